#!/bin/sh
# Runs one program as its parent and writes down how it ended, so that an agent that was restarted meanwhile learns it.
# Started by the agent in a session of its own. Usage: run.sh FOLDER PROGRAM [ARGUMENT ...]; stdin is the program's.
# Files in FOLDER: started (made first; refuses to run twice), stdout, stderr, pid (the program's), exit (its exit code).
# Exit: 0 the program ended and `exit` says how; other: it was not started.
set -Cu
umask 077
folder=$1
shift
: >"$folder/started"
exec 3<&0
"$@" <&3 3<&- >>"$folder/stdout" 2>>"$folder/stderr" &
echo $! >"$folder/pid"
wait $!
echo $? >"$folder/exit"
