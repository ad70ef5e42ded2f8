#!/usr/bin/env bash
# Grades a student's repository, and gives the result to GitHub Classroom's reporter.
#
# What was handed out is the commit HANDED_OUT, or the first one. Its grader is used, and from the
# student nothing but the sources, so that a changed check or Makefile changes no grade.
set -euo pipefail
out=${GITHUB_OUTPUT:-/dev/stdout}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

# Files as they were committed, whatever git is set to here.
lay_out() {
    mkdir "$place/$2"
    GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 \
        git -c safe.directory='*' -c core.autocrlf=false archive "$1" | tar -x -C "$place/$2"
}
lay_out "${HANDED_OUT:-$(git rev-list --max-parents=0 --first-parent HEAD)}" handed-out
lay_out HEAD handed-in
cd "$place/handed-out"
grade=(cargo run -q -p grader --bin grade --)
[ -z "${GRADE:-}" ] || grade=("$GRADE")
status=0
# What is graded runs here too, behind walls if they can be had: it must not write a result of its
# own.
env -u GITHUB_OUTPUT -u GITHUB_ENV -u GITHUB_PATH -u GITHUB_STEP_SUMMARY -u GITHUB_STATE \
    "${grade[@]}" --dir "$place/handed-in" --try-sandbox \
    ${CHAPTER:+--chapter "$CHAPTER"} --json "$place/results.json" || status=$?

python3 - "$place/results.json" "$status" << 'PYTHON' >> "$out"
import base64, json, sys

graded, status = json.load(open(sys.argv[1])), int(sys.argv[2])
tests = [
    {
        "name": test["name"],
        "status": "pass" if test["status"] == "passed" else "fail",
        "score": test.get("score", 0),
        "message": test.get("output", ""),
    }
    for test in graded["tests"]
]
result = {
    "version": 1,
    "status": {0: "pass", 4: "error"}.get(status, "fail"),
    "max_score": sum(test.get("max_score", 0) for test in graded["tests"]),
    "tests": tests or [{"name": "grade", "status": "fail", "score": 0, "message": graded["output"]}],
}
print("result=" + base64.b64encode(json.dumps(result).encode()).decode())
PYTHON
[ "$status" -ne 4 ]
