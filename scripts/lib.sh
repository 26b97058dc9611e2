# shellcheck shell=bash
# What the scripts share: where the repository is, messages, root rights, the MPI launcher.
# shellcheck disable=SC2034  # used by the scripts that source this file

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
program=$root/.build/release/faultline

if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
  bold=$'\e[1m' red=$'\e[31m' green=$'\e[32m' reset=$'\e[0m'
else
  bold='' red='' green='' reset=''
fi

say() { printf '%s\n' "${bold}==> $*${reset}"; }
good() { printf '%s\n' "${green}$*${reset}"; }
fail() {
  printf '%s\n' "${red}error: $*${reset}" >&2
  exit 1
}

# Prints the comment at the head of the calling script: its help text.
usage() { awk 'NR > 1 && !/^#/ { exit } NR > 1 { sub(/^# ?/, ""); print }' "$0"; }

as_root() {
  if [[ $(id -u) -eq 0 ]]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    fail "needs root rights and there is no sudo: run as root: $*"
  fi
}

cores() { nproc 2>/dev/null || getconf _NPROCESSORS_ONLN; }

# In containers the user is root, which Open MPI refuses without these.
if [[ $(id -u) -eq 0 ]]; then
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi

# mpi RANKS COMMAND…: more ranks than cores are allowed (--oversubscribe is Open MPI's; MPICH always allows it).
mpi() {
  local ranks=$1 launcher=${MPIRUN:-mpirun}
  shift
  if "$launcher" --version 2>/dev/null | grep -q 'Open MPI\|OpenRTE'; then
    "$launcher" --oversubscribe -n "$ranks" "$@"
  else
    "$launcher" -n "$ranks" "$@"
  fi
}
