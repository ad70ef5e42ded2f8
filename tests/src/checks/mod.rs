//! The checks, a file for each chapter. Each file begins with the chapter's list, which reads
//! as the specification; what each check does stands below it, in the same order.

pub mod binary_codec;
pub mod calculator;
pub mod chatroom;
mod codec_exercises;
pub mod dumb_net;
pub mod echo_threaded;
mod exercises;
mod load_exercises;
pub mod loadgen;
mod manners;
pub mod one_to_one;
mod pauses;
mod room_exercises;
mod session_exercises;
mod shared;
pub mod tunnel_chat;
mod tunnel_exercises;
pub mod udp_datetime;
