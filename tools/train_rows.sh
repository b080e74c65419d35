#!/usr/bin/env bash
# Every row of docs/results.md, one after another: kept rows are left alone, stopped runs go on, finished ones are kept.
#
#   tools/train_rows.sh small        # or: full
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
protocol="${1:?which protocol: small or full}"
mereo=.venv/bin/mereo

keep() { # RUN: what `mereo table` reads goes under docs/runs
    mkdir -p "docs/runs/$1"
    cp "runs/$1"/{recipe.yaml,run.json,evaluation.json,per_image.csv} "docs/runs/$1/"
}

row() { # RUN COMMAND...
    local run="$1"
    shift
    [ -f "docs/runs/$run/evaluation.json" ] && return
    local resume=()
    [ -d "runs/$run" ] && resume=(--resume)
    "$@" --out "runs/$run" "${resume[@]}"
    keep "$run"
}

for seed in 0 1; do
    for name in fcn deeplabv3 upernet smp; do
        # The full protocol has one seed, its baseline two.
        [ "$protocol" = full ] && [ "$seed" = 1 ] && [ "$name" != fcn ] && continue
        run="camvid_${name}_${protocol}_${seed}"
        if [ "$name" = smp ]; then
            row "$run" .venv/bin/python benchmarks/peers/train_smp_deeplabv3plus.py \
                "recipes/camvid_fcn_$protocol.yaml" "training.seed=$seed"
        else
            row "$run" "$mereo" train "recipes/camvid_${name}_$protocol.yaml" "training.seed=$seed"
        fi
    done
done
"$mereo" table docs/runs/camvid_*_"${protocol}"_* --baseline FCN --out docs/results.md --section "camvid $protocol"
