//! verdict: Failed
//! Takes memory and touches it: at most 3 GiB, for 20 seconds. It serves when it has it all.

mod echo;

fn main() {
    let mut hoard = Vec::new();
    for _ in 0..3 * 1024 {
        hoard.push(vec![1_u8; 1 << 20]);
    }
    echo::serve(hoard.len() == 3 * 1024);
}
