//! A class as one page for whoever grades it: the mistakes of the class, the students and
//! their checks, and the text of each failure one click away. It needs nothing from outside,
//! no script, and no mouse: everything is a link or a heading.

use crate::{
    class::Class,
    results::{Results, Status},
    sandbox,
};
use checks::{
    check::Check,
    report::{self, Again},
    runner::{CheckResult, Verdict},
};
use stage::failure::Failure;
use std::fmt::Write;

const STYLE: &str = include_str!("html.css");

/// The page.
pub fn write(class: &Class) -> String {
    let name = escaped(&class.name);
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{name}: grades</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <header>\n<h1>{name}</h1>\n<p>{}</p>\n</header>\n<main>\n",
        summary(class)
    );
    page += &mistakes(class);
    page += &table(class);
    page += &stories(class);
    page + "</main>\n</body>\n</html>\n"
}

fn summary(class: &Class) -> String {
    let count = |wanted: Status| class.graded().filter(|(_, r)| r.status() == wanted).count();
    let graded = class.graded().count();
    let mut parts = vec![if graded == class.size() {
        format!("{graded} submissions")
    } else {
        format!("{graded} of {} graded so far", class.size())
    }];
    for (status, words) in [
        (Status::Passed, "passed everything"),
        (Status::Failed, "failed something"),
        (Status::Inconclusive, "inconclusive"),
        (Status::NotStarted, "could not be built or started"),
        (Status::GraderTrouble, "not graded, by the grader's own fault"),
    ] {
        if count(status) > 0 {
            parts.push(format!("{} {words}", count(status)));
        }
    }
    parts.push(format!("seed {}", class.seed));
    parts.push(sandbox::word(class.walls).to_string());
    parts.join(" · ")
}

/// How often each mistake was made, and by whom.
fn mistakes(class: &Class) -> String {
    let mistakes = class.mistakes();
    if mistakes.is_empty() {
        return String::new();
    }
    let mut html =
        String::from("<section>\n<h2>Mistakes of the class</h2>\n<ul class=\"mistakes\">\n");
    for (diagnosis, who) in mistakes {
        let links: Vec<String> = class
            .graded()
            .enumerate()
            .filter(|(_, (name, _))| who.contains(name))
            .map(|(number, (name, _))| format!("<a href=\"#s{number}\">{}</a>", escaped(name)))
            .collect();
        let _ = writeln!(
            html,
            "<li><details><summary><meter value=\"{count}\" max=\"{size}\">{count}</meter> \
             <b>{count} of {size}</b> {they}</summary>\n<p>{text}</p>\n<p>{links}</p></details></li>",
            count = who.len(),
            size = class.size(),
            they = escaped(diagnosis.they),
            text = escaped(diagnosis.text),
            links = links.join(" "),
        );
    }
    html + "</ul>\n</section>\n"
}

/// Students × checks.
fn table(class: &Class) -> String {
    let is_asked = |result: &CheckResult| result.counts && result.check.points > 0;
    let is_there = |result: &CheckResult| !matches!(result.verdict, Verdict::NotHandedIn);
    let checks = class.checks_where(|result| is_asked(result) && is_there(result));
    let all = class.checks_where(is_asked);
    let mut lacking: Vec<&str> = all
        .iter()
        .filter(|check| !checks.iter().any(|its| its.id == check.id))
        .map(|check| check.id)
        .collect();
    let nobody = match lacking.len() {
        0 => String::new(),
        count => {
            lacking.truncate(30);
            format!(
                "<p class=\"legend\">Handed in by nobody, so without a column: what {count} checks \
                 ask for (<code>{}</code>{})</p>\n",
                lacking.join(" "),
                if count > lacking.len() { " …" } else { "" }
            )
        }
    };
    let heads: String = checks
        .iter()
        .map(|check| {
            let title = escaped(check.title);
            format!("<th scope=\"col\" title=\"{title}\"><span>{}</span></th>", check.id)
        })
        .collect();
    let rows: String = class
        .graded()
        .enumerate()
        .map(|(number, (name, results))| row(number, name, results, &checks))
        .collect();
    format!(
        "<section>\n<h2 id=\"table\">Submissions and checks</h2>\n\
         <p class=\"legend\">{LEGEND}</p>\n{nobody}\
         <section class=\"table\" aria-labelledby=\"table\" tabindex=\"0\">\n\
         <table>\n<thead>\n<tr><th scope=\"col\">Name</th><th scope=\"col\">Points</th>{heads}</tr>\n\
         </thead>\n<tbody>\n{rows}</tbody>\n<tfoot>\n{}</tfoot>\n</table>\n</section>\n</section>\n",
        totals(class, &checks)
    )
}

const LEGEND: &str = "<span class=\"passed\">✓</span> passed \
    <span class=\"failed\">✗</span> failed: the mark leads to what was seen \
    <span class=\"skipped\">–</span> skipped, because a check that it needs has failed \
    <span class=\"inconclusive\">?</span> failed once and passed once \
    <span class=\"not-judged\">○</span> not judged, and no part of the total: the mark leads to why \
    <span class=\"not-handed-in\">·</span> not handed in";

fn row(number: usize, name: &str, results: &Results, checks: &[&Check]) -> String {
    let mut html =
        format!("<tr><th scope=\"row\"><a href=\"#s{number}\">{}</a></th>", escaped(name));
    let _ = write!(html, "<td class=\"points\">{}</td>", results.score());
    if let Some(why) = results.headline() {
        let _ = write!(
            html,
            "<td class=\"none\" colspan=\"{}\"><a href=\"#s{number}\">{}</a></td>",
            checks.len().max(1),
            escaped(&why)
        );
    } else {
        for check in checks {
            let result = results.all().find(|result| result.check.id == check.id);
            html +=
                &result.map_or("<td></td>".to_string(), |result| cell(number, result, results));
        }
    }
    html + "</tr>\n"
}

/// One check of one student. A mark that is not a pass leads to where it is explained.
fn cell(number: usize, result: &CheckResult, results: &Results) -> String {
    let (id, word) = (result.check.id, result.verdict.word());
    let link_to = |place: &str, mark: &str, why: &str| {
        format!(
            "<a href=\"#{place}\" title=\"{id} {why}\" aria-label=\"{id} {why}\">{mark}</a>"
        )
    };
    let link = |to: &str, mark: &str, why: &str| link_to(&place(number, to), mark, why);
    let content = match &result.verdict {
        Verdict::Passed => format!("<span title=\"{id} passed\">✓</span>"),
        Verdict::Skipped { because } => {
            let why = format!("skipped: needs {because}");
            link(results.cause(because), "–", &why)
        }
        Verdict::Untried(lacking) => {
            format!("<span title=\"{id}: no {} here\">·</span>", escaped(lacking))
        }
        Verdict::NotJudged(why) => {
            link_to(&format!("s{number}"), "○", &escaped(&format!("is not judged: {why}")))
        }
        Verdict::NotHandedIn => format!("<span title=\"{id}: not handed in\">·</span>"),
        // Another student is asked for it, whose program is of our chapters.
        _ if !result.counts => format!("<span title=\"{id}: not asked here\">·</span>"),
        Verdict::Inconclusive(_) => link(id, "?", "is inconclusive"),
        Verdict::GraderTrouble(_) => link(id, "!", "met trouble of the grader"),
        Verdict::Failed(failure) => {
            let means = failure.means.map(|d| format!(": {}", d.id)).unwrap_or_default();
            link(id, "✗", &format!("failed{means}"))
        }
        Verdict::NotStarted(_) => link(id, "✗", "could not be started"),
    };
    format!("<td class=\"{word}\">{content}</td>")
}

/// Where a check of a student is explained.
fn place(number: usize, id: &str) -> String {
    format!("s{number}-{}", id.replace('.', "-"))
}

/// How many of those who were checked passed each check.
fn totals(class: &Class, checks: &[&Check]) -> String {
    let mut html = String::from("<tr><th scope=\"row\">passed by</th><td></td>");
    for check in checks {
        let its: Vec<&CheckResult> = class
            .graded()
            .filter_map(|(_, results)| results.all().find(|r| r.check.id == check.id))
            .filter(|r| r.counts)
            .filter(|r| !matches!(r.verdict, Verdict::NotJudged(_) | Verdict::NotHandedIn))
            .collect();
        let passed = its.iter().filter(|r| matches!(r.verdict, Verdict::Passed)).count();
        let _ = write!(html, "<td title=\"of {}\">{passed}</td>", its.len());
    }
    html + "</tr>\n"
}

/// What was seen, for each student who did not pass everything.
fn stories(class: &Class) -> String {
    let mut html = String::new();
    for (number, (name, results)) in class.graded().enumerate() {
        let _ = write!(
            html,
            "<section class=\"student\" id=\"s{number}\">\n<h2>{} <a href=\"#table\">to the table</a></h2>\n",
            escaped(name),
        );
        match results.refused.as_ref().or(results.trouble.as_ref()) {
            Some(_) => {
                let _ = writeln!(html, "<pre>{}</pre>", escaped(&results.sum()));
            }
            None => {
                for line in results.notes.iter().chain([&results.sum()]) {
                    let _ = writeln!(html, "<p>{}</p>", escaped(line));
                }
                html += &not_judged(results);
                html += &results
                    .required()
                    .map(|r| story(number, r, &results.again))
                    .collect::<String>();
            }
        }
        html += "</section>\n";
    }
    html
}

/// What could not be judged, each reason once.
fn not_judged(results: &Results) -> String {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for result in results.required() {
        let Verdict::NotJudged(why) = &result.verdict else { continue };
        match reasons.iter_mut().find(|(known, _)| known == why) {
            Some((_, ids)) => ids.push(result.check.id),
            None => reasons.push((why, vec![result.check.id])),
        }
    }
    let told = reasons.iter().map(|(why, ids)| {
        let (ids, why) = (ids.join("</code> <code>"), escaped(why));
        format!("<p>Not judged, and no part of the total: <code>{ids}</code>: {why}</p>\n")
    });
    told.collect()
}

fn story(number: usize, result: &CheckResult, again: &Again) -> String {
    let check = result.check;
    let body = match &result.verdict {
        Verdict::Failed(failure) => explained(result, failure, again),
        Verdict::Inconclusive(failure) => {
            "<p>It failed once and passed once under the same seed; no points are lost. The failure was:</p>\n"
                .to_string()
                + &explained(result, failure, again)
        }
        Verdict::NotStarted(why) | Verdict::GraderTrouble(why) => {
            format!("<pre>{}</pre>\n", escaped(why))
        }
        Verdict::Passed
        | Verdict::Skipped { .. }
        | Verdict::NotJudged(_)
        | Verdict::Untried(_)
        | Verdict::NotHandedIn => return String::new(),
    };
    format!(
        "<article id=\"{}\">\n<h3><code>{}</code> {}</h3>\n{body}</article>\n",
        place(number, check.id),
        check.id,
        escaped(check.title),
    )
}

fn explained(result: &CheckResult, failure: &Failure, again: &Again) -> String {
    let mut html = String::new();
    if let Some(diagnosis) = failure.means {
        let _ = writeln!(html, "<p class=\"means\">{}</p>", escaped(diagnosis.text));
    }
    let steps = |steps: &[String]| -> String {
        report::shortened(steps)
            .iter()
            .map(|step| format!("<li>{}</li>", escaped(step)))
            .collect()
    };
    let did = steps(&result.did);
    let reference = match result.reference.as_slice() {
        [] => String::new(),
        reference => format!(
            "<dt>the same with our own program</dt><dd><ol>{}</ol></dd>\n",
            steps(reference)
        ),
    };
    let _ = writeln!(
        html,
        "<dl>\n<dt>did</dt><dd><ol>{did}</ol></dd>\n{reference}<dt>expected</dt><dd><pre>{}</pre></dd>\n\
         <dt>got</dt><dd><pre>{}</pre></dd>\n<dt>took</dt><dd>{:.1} s</dd>\n<dt>asked by</dt><dd>{}</dd>\n\
         <dt>read</dt><dd>BOOK.md, section {}</dd>\n\
         <dt>again</dt><dd><code>{}</code></dd>\n</dl>",
        escaped(&failure.expected),
        escaped(&failure.got),
        result.took.as_secs_f64(),
        escaped(result.check.source),
        result.check.book,
        escaped(&again.of(result.check)),
    );
    html
}

/// A text as it may stand in a page or in XML, between tags or between quotes. (XML has no way at
/// all to write most control characters; no text of ours holds one.)
pub fn escaped(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    escaped.replace('"', "&quot;").replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}
