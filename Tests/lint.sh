#!/usr/bin/env bash
# The project's rules that neither the compiler nor swift-format knows. Prints every breach as file:line and fails if there is one.
set -euo pipefail
cd "$(dirname "$0")/.."

breaches=0

# Takes a rule and reads the lines that break it.
report() {
    local line
    while IFS= read -r line; do
        echo "$line: $1"
        breaches=$((breaches + 1))
    done
}

# git grep with "nothing found" as a success; names and lines without the text.
search() {
    { git grep --untracked -nIE "$@" || [[ $? -eq 1 ]]; } | cut -d: -f1,2
}

report "a file has at most 400 lines" < <(
    git ls-files --cached --others --exclude-standard 'Sources/*' 'Tests/*' Package.swift | while IFS= read -r file; do
        if [[ -f $file ]]; then awk -v file="$file" 'NR == 401 { print file ":401"; exit }' "$file"; fi
    done)

report "only a wrapper imports a C module (Assets.swift: CAssets)" < <(
    search '^[[:space:]]*([a-z@]+ )?import C[A-Z]' -- 'Sources/*.swift' ':!Sources/HTTPServer' ':!Sources/Postgres' ':!Sources/JSON' \
        ':!Sources/HTTPClient' \
        ':!Sources/LoadGenerator' ':!Sources/Restante/Operations/Assets.swift')

report "struct stat is not to be had beside Foundation in a release build: use FileStatus" < <(
    search '[= (]stat\(\)' -- Sources/Restante)

report "no Foundation inside a wrapper" < <(
    search '^[[:space:]]*([a-z@]+ )?import Foundation' -- Sources/HTTPServer Sources/Postgres Sources/JSON Sources/HTTPClient)

report "access across targets is 'package', never 'public'" < <(
    search '(^|[[:space:](])public[[:space:]]' -- 'Sources/*.swift' | while IFS=: read -r file line; do
        # A comment may speak of what is public.
        sed -n "${line}p" "$file" | grep -qE '^[[:space:]]*//' || echo "$file:$line"
    done)

report "a test is neither skipped nor switched off" < <(
    search '\.disabled\(|XCTSkip|pytest\.(mark\.)?skip|unittest\.skip|mark\.xfail' -- 'Tests/*.swift' 'Tests/*.py')

report "nothing is left to be done later" < <(search 'TODO|FIXME' -- Sources 'Tests/*.swift' 'Tests/*.py' migrations Makefile)

# What can crash or race needs its reason: on the same line, or in a comment that ends above it or above its one-line declaration.
report "needs its reason in a comment beside it" < <(
    git ls-files --cached --others --exclude-standard 'Sources/*.swift' | while IFS= read -r file; do
        [[ -f $file ]] || continue
        awk -v file="$file" '
            {
                code = $0
                gsub(/"([^"\\]|\\.)*"/, "\"\"", code)
                reasoned = code ~ /\/\// || (before beforeThat) ~ /\/\//
                sub(/\/\/.*/, "", code)
                risky = code ~ /@unchecked Sendable|nonisolated\(unsafe\)|(^|[^[:alnum:]_])unsafe[A-Z][[:alnum:]]*\(|try!|fatalError\(|preconditionFailure\(/
                unwrapped = code ~ /[[:alnum:]_)\]]!([^=]|$)/
                if ((risky || unwrapped) && !reasoned) print file ":" NR
                beforeThat = before
                before = $0
            }' "$file"
    done)

if [[ $breaches -gt 0 ]]; then
    echo "lint: $breaches breaches" >&2
    exit 1
fi
echo "lint: the rules hold"
