#!/usr/bin/env bash
# Every row of docs/results.md: kept rows are left alone, stopped runs go on, finished ones are kept.
#
#   tools/train_rows.sh small        # or: full
#   tools/train_rows.sh small 2      # two rows side by side, each with its share of the cores: 1.3 times the rows an hour
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export protocol="${1:?which protocol: small or full}"
at_once="${2:-1}"
export mereo=.venv/bin/mereo
export threads=$((($(nproc) + at_once - 1) / at_once))

keep() { # RUN: what `mereo table` reads goes under docs/runs
    mkdir -p "docs/runs/$1"
    cp "runs/$1"/{recipe.yaml,run.json,evaluation.json,per_image.csv} "docs/runs/$1/"
}

row() { # NAME SEED
    local run="camvid_$1_${protocol}_$2"
    [ -f "docs/runs/$run/evaluation.json" ] && return
    local settings=("training.num_threads=$threads") command=("$mereo" train "recipes/camvid_$1_$protocol.yaml")
    [ "$2" = 0 ] || settings+=("training.seed=$2")
    [ "$1" = smp ] &&
        command=(.venv/bin/python benchmarks/peers/train_smp_deeplabv3plus.py "recipes/camvid_fcn_$protocol.yaml")
    [ -d "runs/$run" ] && settings+=(--resume)
    "${command[@]}" --out "runs/$run" "${settings[@]}"
    keep "$run"
}
export -f keep row

if [ "$protocol" = full ]; then # One seed, the baseline two.
    rows="fcn:0 fcn:1 upernet:0 deeplabv3:0 smp:0"
else
    rows="fcn:0 fcn:1 upernet:0 upernet:1 deeplabv3:0 deeplabv3:1 smp:0 smp:1"
fi
tr ' ' '\n' <<<"$rows" | tr ':' ' ' | xargs -P "$at_once" -L 1 bash -euo pipefail -c 'row "$@"' row
"$mereo" table docs/runs/camvid_*_"${protocol}"_* --baseline FCN --out docs/results.md --section "camvid $protocol"
