/** The text of `socketry ls --help`. */

/** Examples first; fits a screen of 80 by 40. */
export const HELP = `Examples:
  socketry ls                     all sockets, with who is at the other end
  socketry ls listening           servers
  socketry ls 5432                a port, or the process of this number
  socketry ls tcp nginx           TCP sockets of a program
  socketry ls /run                Unix sockets below a folder
  socketry ls --tree postgres     who talks to whom
  socketry ls --watch :443        again every second
  socketry ls --json | jq 'select(.tcp.retransmittedCount > 0)'

Usage: socketry ls [OPTIONS] [WORD...]

A WORD is a kind (tcp, udp, unix, vsock), a state (listening, established), a
port or process number, :PORT, /PATH, @NAME, or a part of an address or of the
name of a program or user. Of words of one sort any may match, of different
sorts all have to.

Options:
  -a, --all          also time-wait, netlink and what no list of the kernel has
  -l, --long         all columns: queues, round-trip time, retransmits, user
  --tree             processes, and under each of them whom it talks to
  --watch            until Ctrl-C; a terminal is redrawn, else what changes
  --interval TIME    between two listings of --watch (default 1s)
  --json             JSON Lines, as docs/ls.md describes them
  --kind, --state, --port, --path, --pid, --user, --command LIST
                     the same as words, and never taken for anything else
  -h, --help         this text

Processes of other users can be seen by root only: what is missing is said.
Exit codes: 0 done, even if nothing was found, 2 wrong usage, 130 ended by
Ctrl-C.
`;
