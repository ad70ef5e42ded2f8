//! The text of a diff, as git would have written it: whatever a shell, a mail program or a form
//! has done to it on its way, and whatever its author's git was set to, as far as that can be
//! understood.

use checks::check::{CHAPTERS, Chapter};

/// A diff that can be given to `git apply`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patch {
    /// Its text.
    pub text: Vec<u8>,
    /// How many folders stand in front of each path before it is one of the workspace.
    strip: usize,
    /// The folder in which the paths begin, where they do not begin at the workspace.
    folder: String,
    /// Its headers: the paths before and after, and git's name for the text before.
    headers: Vec<Header>,
    /// True if its hunks have no lines around what changes.
    is_bare: bool,
}

/// What stands above the hunks of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Header {
    /// git's name for the text before, if it says one.
    blob: String,
    old: String,
    new: String,
    /// True if no letter stands in front of the paths (`a/`, `b/`): a file is only moved.
    is_move: bool,
}

impl Header {
    fn paths(&self, strip: usize) -> impl Iterator<Item = &str> {
        let strip = if self.is_move { strip.saturating_sub(1) } else { strip };
        let paths = [&self.old, &self.new].into_iter().filter(|path| *path != NOTHING);
        paths.map(move |path| without_folders(path, strip))
    }
}

/// What a path is where there is no file.
const NOTHING: &str = "/dev/null";

impl Patch {
    /// What a diff can mean, the likeliest first. Paths without a chapter belong to the one that
    /// is `asked` for.
    ///
    /// # Errors
    /// When it is no diff at all, and what to do instead.
    pub fn readings(bytes: &[u8], asked: Option<&Chapter>) -> Result<Vec<Patch>, String> {
        let text = as_git_writes(bytes);
        let mut readings = vec![Patch::read(text.clone(), asked)?];
        for page in [CP437, CP850] {
            if let Some(text) = unscrambled(&text, page) {
                readings.extend(Patch::read(text, asked));
            }
        }
        Ok(readings)
    }

    fn read(text: Vec<u8>, asked: Option<&Chapter>) -> Result<Patch, String> {
        let words = String::from_utf8_lossy(&text).into_owned();
        let lines: Vec<&str> = words.lines().collect();
        if lines.iter().any(|line| line.starts_with("@@@ ")) {
            return Err(format!("it is the diff of a merge; {MAKE_IT}"));
        }
        let headers = headers(&lines);
        let named = headers.iter().find_map(|header| Some((header, header.paths(0).next()?)));
        let Some((header, path)) = named else {
            return Err(format!("it is not a diff: no line begins with `+++ `; {MAKE_IT}"));
        };
        let (strip, folder) = place(path, asked);
        let strip = if header.is_move { strip + 1 } else { strip };
        let hunks = || lines.iter().filter(|line| line.starts_with("@@ "));
        let is_bare =
            hunks().next().is_some() && !lines.iter().any(|line| line.starts_with(' '));
        Ok(Patch { text, strip, folder, headers, is_bare })
    }

    /// What `git apply` has to be told.
    pub fn options(&self) -> Vec<String> {
        let mut options = vec![format!("-p{}", self.strip)];
        if !self.folder.is_empty() {
            options.push(format!("--directory={}", self.folder));
        }
        options.extend(self.is_bare.then(|| "--unidiff-zero".to_string()));
        options
    }

    /// The paths that its headers name, as paths of the workspace.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        let all = self.headers.iter().flat_map(|header| header.paths(self.strip));
        all.filter(|_| self.folder.is_empty()) // with a folder in front none can lead out of it
    }

    /// The paths of the files that it changes, with git's names for what was in them.
    pub fn blobs(&self) -> impl Iterator<Item = (String, &str)> {
        let named = self.headers.iter().filter(|header| {
            header.old != NOTHING
                && header.blob.len() >= 7
                && header.blob.bytes().any(|b| b != b'0')
        });
        named.map(|header| {
            let path = without_folders(&header.old, self.strip);
            let folder = if self.folder.is_empty() { "" } else { "/" };
            (format!("{}{folder}{path}", self.folder), header.blob.as_str())
        })
    }

    /// What its author can do if it does not apply.
    pub fn advice(&self) -> String {
        if self.is_bare {
            return format!("it has no lines around what changes (diff.context=0?); {MAKE_IT}");
        }
        format!("was it changed on its way, or made by another tool than git? {MAKE_IT}")
    }
}

/// What always works.
const MAKE_IT: &str = "make it with `make handin CHAPTER=NN`, and hand in that file as it is";

/// How many folders stand in front of a path of the workspace, or of which folder it is one.
fn place(path: &str, asked: Option<&Chapter>) -> (usize, String) {
    let parts: Vec<&str> = path.split('/').collect();
    let at = |name: &str| parts.iter().position(|part| *part == name);
    if let Some(at) = at("chapters") {
        return (at, String::new());
    }
    for chapter in CHAPTERS.iter() {
        if let Some(at) = at(&chapter.folder()) {
            return (at + 1, format!("chapters/{}", chapter.folder()));
        }
    }
    // Of a diff that was made in the chapter's own folder.
    let is_letter = |part: &&str| part.len() == 1;
    let letters = parts.iter().take(1).filter(|part| is_letter(part)).count();
    match (asked, parts.get(letters)) {
        (Some(chapter), Some(&("src" | "examples"))) => {
            (letters, format!("chapters/{}", chapter.folder()))
        }
        _ => (letters, String::new()),
    }
}

fn without_folders(path: &str, count: usize) -> &str {
    path.splitn(count + 1, '/').last().unwrap_or(path)
}

/// The headers of a diff: of each file the pair of lines `---` and `+++`, with the blob that was
/// named above, or the pair that moves or copies it.
fn headers(lines: &[&str]) -> Vec<Header> {
    let mut blob = String::new();
    let mut headers = Vec::new();
    for (n, line) in lines.iter().enumerate() {
        if let Some(names) = line.strip_prefix("index ") {
            blob = names.split("..").next().unwrap_or_default().to_string();
        }
        let next = lines.get(n + 1).copied().unwrap_or_default();
        // A line `-- x` that is taken away looks like a header, but has no other one after it.
        if let (Some(old), Some(new)) = (line.strip_prefix("--- "), next.strip_prefix("+++ ")) {
            let [old, new] = [old, new].map(path_of);
            headers.push(Header { blob: std::mem::take(&mut blob), old, new, is_move: false });
        }
        let moved = [
            ("rename from ", "rename to "),
            ("rename old ", "rename new "),
            ("copy from ", "copy to "),
        ];
        for (from, to) in moved {
            if let (Some(old), Some(new)) = (line.strip_prefix(from), next.strip_prefix(to)) {
                let [old, new] = [old, new].map(path_of);
                headers.push(Header { blob: String::new(), old, new, is_move: true });
            }
        }
    }
    headers
}

/// A header's path without what other tools write after it (the time).
fn path_of(header: &str) -> String {
    header.split('\t').next().unwrap_or_default().trim_matches('"').trim_end().to_string()
}

/// A diff's text as git writes it: UTF-8, lines ended by `\n`, no colours.
fn as_git_writes(diff: &[u8]) -> Vec<u8> {
    let units = |bytes: &[u8], unit: fn([u8; 2]) -> u16| -> Vec<u8> {
        let units: Vec<u16> =
            bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
        String::from_utf16_lossy(&units).into_bytes()
    };
    let mut text = match diff {
        [0xff, 0xfe, rest @ ..] => units(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => units(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => rest.to_vec(),
        // A diff begins with ASCII.
        [_, 0, ..] => units(diff, u16::from_le_bytes),
        [0, _, ..] => units(diff, u16::from_be_bytes),
        all => all.to_vec(),
    };
    if !text.is_empty() && !text.ends_with(b"\n") {
        text.push(b'\n'); // the last one is lost in a form, or by copying
    }
    let lines = |text: &[u8]| -> Vec<Vec<u8>> {
        text.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
    };
    // Only where the headers have them too were they put there on the way.
    if lines(&text).iter().any(|line| line.starts_with(b"\x1b[")) {
        text = lines(&text).into_iter().flat_map(without_colour).collect();
    }
    if !lines(&text).iter().any(|line| line.starts_with(b"--- ") && line.ends_with(b"\r\n")) {
        return text;
    }
    lines(&text)
        .into_iter()
        .flat_map(|line| match line.as_slice() {
            [all @ .., b'\r', b'\n'] => [all, b"\n"].concat(),
            _ => line,
        })
        .collect()
}

/// A line without what colours it: `ESC [ 3 1 m`, and `ESC [ K`.
fn without_colour(line: Vec<u8>) -> Vec<u8> {
    let mut plain = Vec::new();
    let mut rest = line.as_slice();
    while let Some((&first, after)) = rest.split_first() {
        let length =
            after.iter().skip(1).take_while(|byte| b"0123456789;".contains(byte)).count();
        match (first, after.first(), after.get(1 + length)) {
            (0x1b, Some(b'['), Some(b'm' | b'K')) => rest = &after[length + 2..],
            _ => {
                plain.push(first);
                rest = after;
            }
        }
    }
    plain
}

/// The upper half of the code pages in which Windows' consoles write, in the USA and in western
/// Europe.
const CP437: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐\
    └┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";
const CP850: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐\
    └┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{ad}±‗¾¶§÷¸°¨·¹³²■\u{a0}";

/// A text that was UTF-8, read as `page` and written as UTF-8 again: what PowerShell 5.1 makes
/// of the output of git. `None`: it is no such text.
fn unscrambled(text: &[u8], page: &str) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(text).ok()?;
    if text.is_ascii() {
        return None;
    }
    let byte = |letter: char| match u8::try_from(letter) {
        Ok(byte) if byte.is_ascii() => Some(byte),
        _ => page.chars().position(|other| other == letter).map(|at| 128 + at as u8),
    };
    let bytes: Vec<u8> = text.chars().map(byte).collect::<Option<_>>()?;
    String::from_utf8(bytes).ok().map(String::into_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = "--- a/chapters/x\n+++ b/chapters/x\n@@ -1 +1 @@\n-a\n+né …\n";

    #[test]
    fn what_the_student_has_written_stays() {
        let own = "--- a/x\n+++ b/x\n+n\x1b[m\r\n";
        assert_eq!(as_git_writes(own.as_bytes()), own.as_bytes());
    }

    #[test]
    fn what_powershell_has_scrambled_is_understood() {
        for page in [CP437, CP850] {
            assert_eq!(page.chars().count(), 128);
            let letter = |byte: &u8| match byte {
                byte if byte.is_ascii() => char::from(*byte),
                byte => page.chars().nth(usize::from(byte - 128)).unwrap(),
            };
            let scrambled: String = PLAIN.as_bytes().iter().map(letter).collect();
            let readings = Patch::readings(scrambled.as_bytes(), None).unwrap();
            assert!(
                readings.iter().any(|patch| patch.text == PLAIN.as_bytes()),
                "{readings:?}"
            );
        }
        assert_eq!(unscrambled("né".as_bytes(), CP437), None);
    }

    #[test]
    fn paths_are_found_wherever_they_begin() {
        let asked = CHAPTERS[2];
        for (path, options) in [
            ("b/chapters/03-echo-threaded/src/main.rs", vec!["-p1"]),
            ("chapters/03-echo-threaded/src/main.rs", vec!["-p0"]),
            ("i/chapters/03-echo-threaded/src/main.rs", vec!["-p1"]),
            ("/home/al/new/chapters/03-echo-threaded/src/main.rs", vec!["-p4"]),
            (
                "b/work/03-echo-threaded/src/main.rs",
                vec!["-p3", "--directory=chapters/03-echo-threaded"],
            ),
            ("b/src/main.rs", vec!["-p1", "--directory=chapters/03-echo-threaded"]),
            ("b/common/src/main.rs", vec!["-p1"]),
            ("src/main.rs", vec!["-p0", "--directory=chapters/03-echo-threaded"]),
        ] {
            let diff =
                format!("--- {path}\t2026-01-01\n+++ {path}\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n");
            let patch = Patch::read(diff.into_bytes(), Some(asked)).unwrap();
            assert_eq!(patch.options(), options, "{path}");
        }
    }

    #[test]
    fn every_path_that_a_header_names_is_seen() {
        let diff = "diff --git a/x b/y\nrename from common/v\nrename to x/v\n\
                    index 1234567..89abcde 100644\n\
                    --- a/common/z\t2026-01-01\n+++ \"b/\\303\"\n@@ -1,2 +0,0 @@\n\
                    --- no header\n-x\n--- /dev/null\n+++ b/n\n+copy from w\n";
        let patch = Patch::read(diff.as_bytes().to_vec(), None).unwrap();
        assert_eq!(
            patch.paths().collect::<Vec<_>>(),
            ["common/v", "x/v", "common/z", "\\303", "n"]
        );
        assert_eq!(patch.blobs().collect::<Vec<_>>(), [("common/z".to_string(), "1234567")]);
    }

    #[test]
    fn what_is_no_diff_is_told_what_to_do() {
        for (text, why) in
            [("", "not a diff"), ("src/main.rs | 2 +-\n", "not a diff"), ("@@@ -1\n", "merge")]
        {
            let said = Patch::readings(text.as_bytes(), None).unwrap_err();
            assert!(said.contains(why) && said.contains("make handin"), "{said}");
        }
    }
}
