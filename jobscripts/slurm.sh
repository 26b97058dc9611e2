#!/bin/bash
# A Slurm job that runs a deck for as long as it takes: stopped by its time limit, it leaves a checkpoint and queues
# itself again, and the next job goes on from there.
#
#   sbatch --nodes=4 --time=12:00:00 jobscripts/slurm.sh deck.yaml runs/deck
#
# The second argument is the run directory (in place of the deck's output.directory). The program is `faultline` of
# the PATH, or what FAULTLINE names:
#
#   sbatch --export=ALL,FAULTLINE=$HOME/faultline/.build/release/faultline jobscripts/slurm.sh deck.yaml runs/deck
#
# Exit codes of faultline: 0 finished, 75 stopped at a step boundary with a checkpoint (by --max-time or a signal), all
# others an error. A run that ended without a checkpoint is never written over unless it had not made a step.
#SBATCH --job-name=faultline
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=64
#SBATCH --cpus-per-task=1
#SBATCH --time=04:00:00
#SBATCH --output=faultline-%j.log
#SBATCH --open-mode=append
#SBATCH --requeue
# SIGUSR1 reaches this script five minutes before the limit: a second net under --max-time.
#SBATCH --signal=B:USR1@300

set -euo pipefail

deck=${1:?usage: sbatch slurm.sh DECK RUN_DIRECTORY}
run=${2:?usage: sbatch slurm.sh DECK RUN_DIRECTORY}
faultline=${FAULTLINE:-faultline}
margin=600 # seconds before the limit at which the run stops by itself: last step, checkpoint, clean-up

# module load openmpi   # the MPI library that faultline was built with

command -v "$faultline" >/dev/null || { echo "no program $faultline: set FAULTLINE or PATH" >&2; exit 1; }

# Time that is left to this job: [days-]hours:minutes:seconds, or minutes:seconds.
seconds_left() {
  local left days=0 hours=0 minutes seconds
  left=$(squeue --noheader --jobs "$SLURM_JOB_ID" --format %L)
  if [[ $left != *:* ]]; then return 1; fi # UNLIMITED and the like
  if [[ $left == *-* ]]; then days=${left%%-*} left=${left#*-}; fi
  if [[ $left == *:*:* ]]; then hours=${left%%:*} left=${left#*:}; fi
  minutes=${left%%:*} seconds=${left#*:}
  echo $(((10#$days * 24 + 10#$hours) * 3600 + 10#$minutes * 60 + 10#$seconds))
}

options=()
if left=$(seconds_left); then
  if [[ $left -gt $((2 * margin)) ]]; then left=$((left - margin)); else left=$((left / 2)); fi
  options=(--max-time "${left}s")
fi

# A lost node leaves the run directory locked. This job may go on if the job in the lock is over: an earlier start of
# itself, or one that the queue does not know any more.
owner=$(sed -n "s/^job slurm:${SLURM_CLUSTER_NAME:-}://p" "$run/run.lock" 2>/dev/null || true)
if [[ -n $owner && -O $run/run.lock ]]; then
  if [[ $owner == "$SLURM_JOB_ID" ]]; then
    options+=(--ended-job "$owner")
  elif jobs=$(squeue --noheader --user "$(id -un)" --format %A) && ! grep -qwF "$owner" <<<"$jobs"; then
    options+=(--ended-job "$owner")
  fi
fi

newest() {
  find "$run/checkpoints" -type f -name 'step-*.checkpoint' -printf '%T@ %p\n' 2>/dev/null | sort -n | tail -n 1 || true
}
before=$(newest)
if [[ -n $before ]]; then
  command=(resume "$run")
elif grep -qs '"status" *: *"finished"' "$run/run.json"; then
  echo "$run is finished (its checkpoints have been removed)"
  exit 0
else
  command=(run "$deck" --output "$run")
fi

# srun in the background, so that the trap runs while it works; srun hands the signal to every rank.
srun --cpu-bind=cores "$faultline" "${command[@]}" "${options[@]}" &
job=$!
trap 'kill -USR1 "$job" 2>/dev/null || true' USR1 TERM
status=0
wait "$job" || status=$?
# A trapped signal ends `wait` early, with a status above 128: wait for the checkpoint.
while [[ $status -gt 128 ]] && kill -0 "$job" 2>/dev/null; do
  status=0
  wait "$job" || status=$?
done

case $status in
  0) echo "finished" ;;
  75)
    if [[ $(newest) == "$before" ]]; then
      echo "stopped without a new checkpoint: the time limit is too short to get on" >&2
      exit 1
    fi
    echo "stopped with a checkpoint in $run; queueing again"
    scontrol requeue "$SLURM_JOB_ID"
    ;;
  *)
    echo "faultline ended with exit code $status: see the messages above" >&2
    exit "$status"
    ;;
esac
