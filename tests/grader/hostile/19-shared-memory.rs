//! verdict: Failed
//! Takes shared memory and lets go of it, so that no process has it: 40 of 60 MB. It serves when it
//! has them all. Only root's walls can forbid it without a control group.

mod echo;

use std::process::Command;

fn main() {
    let take = |_| Command::new("ipcmk").args(["-M", "60000000"]).output();
    let taken = (0..40).map(take).filter(|all| all.as_ref().is_ok_and(|all| all.status.success()));
    echo::serve(taken.count() == 40);
}
