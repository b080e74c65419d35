#!/usr/bin/env bash
# Every row of docs/results.md: kept rows are left alone, stopped runs go on, finished ones are kept.
#
#   tools/train_rows.sh small        # or: full
#   tools/train_rows.sh small 2      # two rows side by side, each with its share of the cores: 1.3 times the rows an hour
#   tools/train_rows.sh small 2 ocr smp:1    # only these: ocr with both seeds, smp with the second
#   precision=bf16-mixed tools/train_rows.sh full 1 pyramid_h    # on a processor with bfloat16: 0.7 of the time
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export protocol="${1:?which protocol: small or full}"
at_once="${2:-1}"
export mereo=.venv/bin/mereo
export threads=$((($(nproc) + at_once - 1) / at_once))

keep() { # RUN: what `mereo table` reads goes under docs/runs
    mkdir -p "docs/runs/$1"
    cp "runs/$1"/{recipe.yaml,evaluation.json,per_image.csv} "docs/runs/$1/"
    # One level deeper than runs/ the recipes lie one level farther.
    sed 's|"recipe_folder": "\.\./|&../|' "runs/$1/run.json" >"docs/runs/$1/run.json"
    local extra
    for extra in tokens levels perceptual panoptic_quality context_error; do
        [ ! -f "runs/$1/$extra.json" ] || cp "runs/$1/$extra.json" "docs/runs/$1/"
    done
    local curve="docs/runs/$1/scores.jsonl" # A recipe with evaluate_every leaves a learning curve.
    grep '"score"' "runs/$1/metrics.jsonl" >"$curve" || rm "$curve"
}

# Rows of one recipe that differ in a switch: the recipe's name, then what is changed.
variant() { # NAME: sets `recipe` and `changes`
    local with_anl='parser.path=[{stage: feature_pyramid, width: 128, finest_stride: 8, grid_sizes: []}, {stage: asymmetric_nonlocal}]'
    local without_region_loss='losses=[{loss: pixel_cross_entropy, class_balance: 0.3}, {loss: coarse_pixels, weight: 0.4, class_balance: 0.3}]'
    recipe="$1" changes=()
    case "$1" in
    affinity_product | affinity_sum)
        recipe=affinity
        changes=("row=class affinity + SR-Loss, ${1#affinity_}" "parser.path.1.back_to_pixels=${1#affinity_}") ;;
    affinity_sum_both)
        recipe=affinity
        changes=("row=class affinity, sum" parser.path.1.back_to_pixels=sum "$without_region_loss") ;;
    affinity_*) recipe=affinity changes=("$without_region_loss") ;;
    esac
    case "$1" in pyramid_?) recipe=pyramid changes=("row=pyramid $(tr a-i A-I <<<"${1#pyramid_}")") ;; esac
    case "$1" in
    concepts_unsupervised)
        recipe=concepts
        changes=("row=concept tokens, no token supervision" 'losses=[{loss: pixel_cross_entropy, class_balance: 0.3}]') ;;
    grouping_no_top_down)
        recipe=grouping changes=("row=deep grouping on UPerNet, no top-down" parser.path.1.top_down=false) ;;
    grouping_printed)
        recipe=grouping
        changes=("row=deep grouping on UPerNet, as printed" parser.path.1.lengths=printed parser.path.1.messages_by=vertices) ;;
    affinity_both) changes+=("row=class affinity") ;;
    affinity_positive) changes+=("row=class affinity, support only" parser.path.1.messages=positive) ;;
    affinity_negative) changes+=("row=class affinity, suppression only" parser.path.1.messages=negative) ;;
    affinity_learned) changes+=("row=learned edges" parser.path.1.edges=learned) ;;
    affinity_learned_positive)
        changes+=("row=learned edges, support only" parser.path.1.edges=learned parser.path.1.messages=positive) ;;
    affinity_learned_negative)
        changes+=("row=learned edges, suppression only" parser.path.1.edges=learned parser.path.1.messages=negative) ;;
    fcn_region_loss)
        recipe=fcn
        changes=("row=FCN + SR-Loss"
            'losses=[{loss: pixel_cross_entropy, class_balance: 0.3}, {loss: region_classification, weight: 0.2}]') ;;
    pyramid_pixels)
        recipe=pyramid
        changes=("row=pixel classes on the pyramid's path" 'parser.heads=[{head: pixel_classes}]'
            'losses=[{loss: pixel_cross_entropy, class_balance: 0.3}]') ;;
    pyramid_a) changes+=(parser.heads.0.context=none parser.heads.0.representation=finest) ;;
    pyramid_b) changes+=(parser.heads.0.context=none parser.heads.0.representation=finest "$with_anl") ;;
    pyramid_c) changes+=(parser.heads.0.representation=finest) ;;
    pyramid_d) changes+=(parser.heads.0.context=none losses.0.rule=raw) ;;
    pyramid_e) changes+=(parser.heads.0.context=none losses.0.rule=ground_truth) ;;
    pyramid_f) changes+=(parser.heads.0.context=none) ;;
    pyramid_g) changes+=(parser.heads.0.context=none "$with_anl") ;;
    pyramid_h) ;; # the recipe as it is
    pyramid_i) changes+=(parser.heads.0.representation=auxiliary) ;;
    esac
}

row() { # NAME SEED
    local run="camvid_$1_${protocol}_$2" recipe changes
    [ -f "docs/runs/$run/evaluation.json" ] && return
    variant "$1"
    local settings=("training.num_threads=$threads" "${changes[@]}")
    local command=("$mereo" train "recipes/camvid_${recipe}_$protocol.yaml")
    [ "$2" = 0 ] || settings+=("training.seed=$2")
    [ -z "${precision:-}" ] || settings+=("training.precision=$precision")
    [ "$1" = smp ] &&
        command=(.venv/bin/python benchmarks/peers/train_smp_deeplabv3plus.py "recipes/camvid_fcn_$protocol.yaml")
    [ -f "runs/$run/recipe.yaml" ] && settings+=(--resume) # A run that was killed before it began has none.
    "${command[@]}" --out "runs/$run" "${settings[@]}"
    if [[ "$1" = pyramid_* && ! -f "runs/$run/levels.json" ]]; then # Without unities a run leaves none by itself.
        "$mereo" evaluate "runs/$run" --levels --out "runs/$run/evaluated"
        cp "runs/$run/evaluated/levels.json" "runs/$run/"
    fi
    keep "$run"
}
export -f keep variant row

if [ "$protocol" = full ]; then # One seed, the baseline two.
    rows="fcn:0 fcn:1 affinity:0 affinity_sum:0 ocr:0 concepts:0 deeplabv3:0 smp:0 upernet:0 grouping:0 pyramid_a:0 pyramid_h:0"
else
    names="fcn deeplabv3 affinity affinity_product affinity_sum affinity_sum_both affinity_both affinity_positive affinity_negative affinity_learned"
    names+=" affinity_learned_positive affinity_learned_negative fcn_region_loss ocr concepts concepts_unsupervised glore"
    names+=" maskformer maskformer_concepts upernet smp grouping grouping_printed grouping_no_top_down"
    names+=" pyramid_affinity pyramid_pixels pyramid_a pyramid_b pyramid_c pyramid_d pyramid_e pyramid_f pyramid_g pyramid_h pyramid_i"
    rows=$(for name in $names; do echo "$name:0 $name:1"; done)
fi
chosen=""
for name in "${@:3}"; do
    chosen+=" $(tr -s ' \n' '\n' <<<"$rows" | grep -E "^$name(:|$)")" || { echo "No row is called $name." >&2 && exit 2; }
done
rows="${chosen:-$rows}"
tr -s ' \n' '\n' <<<"$rows" | tr ':' ' ' | xargs -P "$at_once" -L 1 bash -euo pipefail -c 'row "$@"' row

# Each row also beside what it was built on, or what it leaves out: the neck's gain is not the module's.
row_of() { # NAME: of a row that is kept; nothing of others
    sed -n 's/^  "row": "\(.*\)",$/\1/p' "docs/runs/camvid_$1_${protocol}_0/run.json" 2>/dev/null || true
}
against=()
while read -r name host; do
    row_name="$(row_of "$name")" host_name="$(row_of "$host")"
    [ -z "$row_name" ] || [ -z "$host_name" ] || against+=(--against "$row_name=$host_name")
done <<'END'
affinity affinity_both
affinity_both fcn
affinity_both affinity_learned
affinity_both affinity_positive
affinity_both affinity_negative
affinity_positive affinity_learned_positive
affinity_negative affinity_learned_negative
affinity_learned_positive affinity_learned
affinity_learned_negative affinity_learned
affinity fcn_region_loss
fcn_region_loss fcn
affinity affinity_product
affinity affinity_sum
affinity_sum affinity_sum_both
affinity ocr
concepts concepts_unsupervised
concepts glore
maskformer_concepts maskformer
grouping upernet
grouping grouping_printed
grouping grouping_no_top_down
grouping_no_top_down upernet
pyramid_b pyramid_a
pyramid_c pyramid_a
pyramid_f pyramid_a
pyramid_f pyramid_d
pyramid_f pyramid_e
pyramid_g pyramid_b
pyramid_g pyramid_f
pyramid_i pyramid_c
pyramid_h pyramid_a
pyramid_h pyramid_c
pyramid_h pyramid_f
pyramid_h pyramid_g
pyramid_h pyramid_i
pyramid_h pyramid_pixels
pyramid_affinity pyramid_h
END
"$mereo" table docs/runs/camvid_*_"${protocol}"_* --baseline FCN "${against[@]}" \
    --out docs/results.md --section "camvid $protocol"
