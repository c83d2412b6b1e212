#!/usr/bin/env bash
# Trains in several processes: one per GPU or, without a GPU, each with its share of the cores.
#
#     tools/dist_train.sh CONFIG PROCESSES [options of tools/train.py]
#
# On several machines, run it on each with NNODES, NODE_RANK, MASTER_ADDR and PORT set.
set -euo pipefail

if [ $# -lt 2 ]; then
    echo "usage: $0 CONFIG PROCESSES [options of tools/train.py]" >&2
    exit 2
fi
config=$1 processes=$2
shift 2
exec "${PYTHON:-python}" -m dynp_plugins.launching "$processes" \
    "$(dirname "${BASH_SOURCE[0]}")/train.py" "$config" --launcher pytorch "$@"
