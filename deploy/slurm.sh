#!/usr/bin/env bash
# A grid on nodes of Slurm. Ray starts on all of them, the run on the first (`ray symmetric-run`, Ray 2.49 or newer).
#
#   sbatch deploy/slurm.sh full /shared/results/full
#   python -m bench.store status /shared/results/full
#
# From a checkout on a file system that all nodes share, with its .venv made there. Whole nodes only: at its end Ray stops
# every Ray process of the machine. A job that hits its time limit, or is preempted, resumes when it runs again.
#SBATCH --job-name=hamiltonian-bench
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --exclusive
#SBATCH --time=12:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
set -euo pipefail
grid=${1:?"usage: sbatch deploy/slurm.sh GRID STORE"}
store=${2:?"usage: sbatch deploy/slurm.sh GRID STORE"}
cd "${SLURM_SUBMIT_DIR:-.}"
export PATH="$PWD/.venv/bin:$PATH" RAY_USAGE_STATS_ENABLED=0

nodes=$(scontrol show hostnames "$SLURM_JOB_NODELIST")
first=${nodes%%$'\n'*}
address=$(srun --nodes=1 --ntasks=1 --nodelist="$first" hostname --ip-address | cut -d ' ' -f 1)
port=$((20000 + SLURM_JOB_ID % 10000)) # of two jobs that meet on a node, each has its own

# A token that only this job knows: who has none gets no answer from any port. The file is the owner's alone.
token_file=$(mktemp "$PWD/.ray-token-XXXXXX")
trap 'rm -f "$token_file"' EXIT
python -c 'import secrets; print(secrets.token_hex(32))' > "$token_file"
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH="$token_file"

srun --ntasks="$SLURM_JOB_NUM_NODES" --nodes="$SLURM_JOB_NUM_NODES" \
    ray symmetric-run --address "$address:$port" --min-nodes "$SLURM_JOB_NUM_NODES" --include-dashboard=false -- \
    python -m bench.run --grid "$grid" --address "$address:$port" --out "$store"
