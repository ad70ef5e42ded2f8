//! verdict: Failed
//! Says things that a screen obeys: it clears it, sets the title, writes from right to left.

mod echo;

fn main() {
    eprintln!("\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}dessap\r\u{8}\u{0}<script>alert(1)</script>");
    std::process::exit(3);
}
