//! What was handed in: the roles that it plays, and the command line of each.

use crate::{process::Environment, speech::Speech};
use std::{collections::BTreeMap, fmt};

/// A part that a program plays; each is started by a command line of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// `PROGRAM server PORT`
    Server,
    /// `PROGRAM HOST PORT`
    Client,
    /// `PROGRAM encoder PORT` (06)
    Encoder,
    /// `PROGRAM decoder PORT` (06)
    Decoder,
    /// `PROGRAM tunnel LOCAL_PORT HOST PORT` (09)
    Tunnel,
}

impl Role {
    /// All roles.
    pub const ALL: [Role; 5] =
        [Role::Server, Role::Client, Role::Encoder, Role::Decoder, Role::Tunnel];

    /// The name, as in `--server`.
    pub fn name(self) -> &'static str {
        match self {
            Role::Server => "server",
            Role::Client => "client",
            Role::Encoder => "encoder",
            Role::Decoder => "decoder",
            Role::Tunnel => "tunnel",
        }
    }

    /// What stands behind PROGRAM in the contract's grammar.
    pub fn grammar(self) -> &'static str {
        match self {
            Role::Server => "server {port}",
            Role::Client => "{host} {port}",
            Role::Encoder => "encoder {port}",
            Role::Decoder => "decoder {port}",
            Role::Tunnel => "tunnel {lport} {host} {port}",
        }
    }
}

/// What was handed in: a command line for each role, `{port}`, `{host}` and `{lport}` open.
#[derive(Clone, Debug, Default)]
pub struct Subject {
    /// The command lines by role; a role that is not there was not handed in.
    pub commands: BTreeMap<Role, String>,
    /// The program that plays all of them, if one does: it can be asked for its `--help`.
    pub program: Option<String>,
    /// Where they run.
    pub environment: Environment,
    /// True for a program from outside: it need not speak as our contract does, and is not asked
    /// for what only our chapters ask for.
    pub outside: bool,
    /// How each role speaks; as our contract does where nothing is noted.
    pub speech: BTreeMap<Role, Speech>,
}

impl Subject {
    /// A program that follows the contract's grammar, in the given roles.
    pub fn program(program: &str, roles: &[Role]) -> Subject {
        let command = |role: &Role| (*role, format!("{program} {}", role.grammar()));
        Subject {
            commands: roles.iter().map(command).collect(),
            program: Some(program.to_string()),
            ..Subject::default()
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
