#!/usr/bin/env bash
# spaCy is trained in an environment of its own, then asked beside our families; from nothing or from where it stopped.
# Needs ONOMA_DATA. Nothing else should run meanwhile if the timings are to be read.
set -euo pipefail
cd "$(dirname "$0")"
mkdir -p runs
if [ ! -x runs/env/bin/python ]; then
    python3 -m venv runs/env
    runs/env/bin/python -m pip install --quiet "spacy==3.8.*"
fi
if [ ! -d runs/spacy ]; then
    onoma data convert conll2003:train runs/train.jsonl
    onoma data convert conll2003:dev runs/dev.jsonl
    runs/env/bin/python ../../examples/external_spacy/train.py runs/train.jsonl runs/dev.jsonl runs/spacy.part \
        --epochs 20 --patience 3 | tee runs/spacy.log
    mv runs/spacy.part runs/spacy
fi
onoma compare conll2003.toml --out runs/conll2003
mkdir -p results/conll2003
cp runs/conll2003/results.json runs/conll2003/results.md results/conll2003/
cp runs/spacy.log results/conll2003/spacy-training.log
