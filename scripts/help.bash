# Sourced by the other scripts: with --help they show what stands at their head.
# shellcheck shell=bash

case "${1:-}" in
-h | --help)
    sed -n '2,${/^#/!q;s/^# \{0,1\}//p}' "$0"
    exit 0
    ;;
esac
