#!/bin/bash
# A PBS (OpenPBS, PBS Pro) job that runs a deck for as long as it takes: stopped by its time limit, it leaves a
# checkpoint and submits its successor, which goes on from there.
#
#   qsub -l select=4:ncpus=64:mpiprocs=64 -l walltime=12:00:00 -v DECK=deck.yaml,RUN=runs/deck jobscripts/pbs.sh
#
# RUN is the run directory (in place of the deck's output.directory). Exit codes of faultline: 0 finished, 75 stopped at a step boundary with a
# checkpoint (by --max-time or a signal), all others an error.
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

# The limit and the resources of this job, for --max-time and for the successor; qstat folds long lines with a tab.
attribute() { qstat -f "$PBS_JOBID" | sed ':join; N; $! b join; s/\n\t//g' | sed -n "s/^ *$1 = //p" | head -n 1; }
walltime=$(attribute 'Resource_List\.walltime')
select=$(attribute 'Resource_List\.select')
options=()
if [[ $walltime =~ ^([0-9]+):([0-9]+):([0-9]+)$ ]]; then
  left=$((10#${BASH_REMATCH[1]} * 3600 + 10#${BASH_REMATCH[2]} * 60 + 10#${BASH_REMATCH[3]}))
  if [[ $left -gt $((2 * margin)) ]]; then left=$((left - margin)); else left=$((left / 2)); fi
  options=(--max-time "${left}s")
fi

newest() { find "$RUN/checkpoints" -type f -name 'step-*.checkpoint' -printf '%T@ %p\n' 2>/dev/null | sort -n | tail -n 1 || true; }
before=$(newest)
if [[ -n $before ]]; then
  command=(resume "$RUN")
else
  command=(run "$DECK" --output "$RUN" --overwrite) # without a checkpoint there is nothing to lose
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
    qsub -W "depend=afterany:$PBS_JOBID" ${walltime:+-l "walltime=$walltime"} ${select:+-l "select=$select"} \
      -v "DECK=$DECK,RUN=$RUN,FAULTLINE=$faultline,SCRIPT=$script" "$script"
    ;;
  *)
    echo "faultline ended with exit code $status: see the messages above" >&2
    exit "$status"
    ;;
esac
