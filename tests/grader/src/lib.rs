//! The grader: what was handed in becomes a subject ([`workshop`], behind the walls of
//! [`sandbox`]), is checked ([`work`]) and reported ([`results`], and a file format each). A
//! class ([`class`]) is many submissions, each with a grader of its own.

pub mod class;
pub mod csv;
pub mod desk;
pub mod edition;
pub mod files;
pub mod html;
pub mod json;
pub mod junit;
pub mod languages;
pub mod reference;
pub mod results;
pub mod sandbox;
pub mod search;
pub mod tools;
pub mod wire;
pub mod work;
pub mod workshop;
pub mod zips;
