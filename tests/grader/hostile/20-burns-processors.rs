//! verdict: Failed
//! Uses all processors that it can get, for 20 seconds.

mod echo;

use std::{hint, thread, time::Instant};

fn main() {
    for _ in 0..64 {
        thread::spawn(|| {
            let begun = Instant::now();
            while begun.elapsed() < echo::LIFE {
                hint::spin_loop();
            }
        });
    }
    echo::serve(false);
}
