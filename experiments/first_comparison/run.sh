#!/usr/bin/env bash
# Both comparisons, from nothing or from where they were stopped; needs ONOMA_DATA. Nothing else should run meanwhile
# if the timings are to be read.
set -euo pipefail
cd "$(dirname "$0")"
for name in conll2003 uner_ewt; do
    onoma compare "$name.toml" --out "runs/$name"
    mkdir -p "results/$name"
    cp "runs/$name/results.json" "runs/$name/results.md" "results/$name/"
done
