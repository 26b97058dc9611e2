#!/bin/bash
# A PBS (OpenPBS, PBS Pro) job that runs a deck for as long as it takes: stopped by its time limit, it leaves a
# checkpoint and submits its successor, which goes on from there.
#
#   qsub -l select=4:ncpus=64:mpiprocs=64 -l walltime=12:00:00 -v DECK=deck.yaml,RUN=runs/deck jobscripts/pbs.sh
#
# RUN is the run directory (in place of the deck's output.directory). Besides, with -v:
#
#   SCRIPT     this script, for the successor (default: jobscripts/pbs.sh where qsub was called)
#   FAULTLINE  the program (default: `faultline` of the PATH)
#
# Exit codes of faultline: 0 finished, 75 stopped at a step boundary with a checkpoint (by --max-time or a signal), all
# others an error. A run that ended without a checkpoint is never written over unless it had not made a step.
#PBS -N faultline
#PBS -l select=1:ncpus=64:mpiprocs=64
#PBS -l walltime=04:00:00
#PBS -j oe

set -euo pipefail
cd "$PBS_O_WORKDIR"

: "${DECK:?submit with -v DECK=deck.yaml,RUN=directory}"
: "${RUN:?submit with -v DECK=deck.yaml,RUN=directory}"
faultline=${FAULTLINE:-faultline}
script=${SCRIPT:-$PBS_O_WORKDIR/jobscripts/pbs.sh} # PBS runs a copy; the successor is submitted from here
margin=600 # seconds before the limit at which the run stops by itself: last step, checkpoint, clean-up

# module load openmpi   # the MPI library that faultline was built with

command -v "$faultline" >/dev/null || { echo "no program $faultline: submit with -v FAULTLINE=…" >&2; exit 1; }
[[ -r $script ]] || { echo "no script $script for the successor: submit with -v SCRIPT=…/pbs.sh" >&2; exit 1; }

# What the queue knows of this job, for --max-time and for the successor; qstat folds long lines with a tab.
attribute() { qstat -f "$PBS_JOBID" | sed ':join; N; $! b join; s/\n\t//g' | sed -n "s/^ *$1 = //p" | head -n 1; }
walltime=$(attribute 'Resource_List\.walltime')
options=()
if [[ $walltime =~ ^([0-9]+):([0-9]+):([0-9]+)$ ]]; then
  left=$((10#${BASH_REMATCH[1]} * 3600 + 10#${BASH_REMATCH[2]} * 60 + 10#${BASH_REMATCH[3]}))
  if [[ $left -gt $((2 * margin)) ]]; then left=$((left - margin)); else left=$((left / 2)); fi
  options=(--max-time "${left}s")
fi

# The successor gets what this job has: resources, place, queue, account and project.
successor=()
carry() { if [[ -n $2 ]]; then successor+=("$1" "$3$2"); fi; }
carry -l "$walltime" walltime=
carry -l "$(attribute 'Resource_List\.select')" select=
carry -l "$(attribute 'Resource_List\.place')" place=
carry -q "${PBS_O_QUEUE:-$(attribute queue)}" ""
carry -A "$(attribute Account_Name)" ""
project=$(attribute project)
if [[ $project != _pbs_project_default ]]; then carry -P "$project" ""; fi

# A lost node leaves the run directory locked. This job may go on if the job in the lock is over: an earlier start of
# itself, or one that the queue does not know any more.
owner=$(sed -n 's/^job pbs:://p' "$RUN/run.lock" 2>/dev/null || true)
if [[ -n $owner && -O $RUN/run.lock ]]; then
  if [[ $owner == "$PBS_JOBID" ]]; then
    options+=(--ended-job "$owner")
  elif jobs=$(qstat -u "$(id -un)") && ! grep -qwF "${owner%%.*}" <<<"$jobs"; then
    options+=(--ended-job "$owner")
  fi
fi

newest() {
  find "$RUN/checkpoints" -type f -name 'step-*.checkpoint' -printf '%T@ %p\n' 2>/dev/null | sort -n | tail -n 1 || true
}
before=$(newest)
if [[ -n $before ]]; then
  command=(resume "$RUN")
elif grep -qs '"status" *: *"finished"' "$RUN/run.json"; then
  echo "$RUN is finished (its checkpoints have been removed)"
  exit 0
else
  command=(run "$DECK" --output "$RUN")
fi

# In the background, so that the trap runs while it works: PBS sends SIGTERM before it kills a job, and mpirun hands
# SIGTERM and SIGUSR1 to every rank. Open MPI forwards SIGUSR1 but ends the job itself on SIGTERM, hence the change.
ranks=$(wc -l <"$PBS_NODEFILE")
mpirun -n "$ranks" "$faultline" "${command[@]}" "${options[@]}" &
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
    echo "stopped with a checkpoint in $RUN; submitting the successor"
    # afterany: this job's own exit code is 0, but it has to be gone before the next one writes.
    qsub -W "depend=afterany:$PBS_JOBID" "${successor[@]}" \
      -v "DECK=$DECK,RUN=$RUN,FAULTLINE=$faultline,SCRIPT=$script" "$script"
    ;;
  *)
    echo "faultline ended with exit code $status: see the messages above" >&2
    exit "$status"
    ;;
esac
