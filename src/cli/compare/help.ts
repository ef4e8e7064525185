/** The text of `socketry compare --help`. */

/** Examples first; fits a screen of 80 by 40. */
export const HELP = `Examples:
  socketry compare                          measure all kinds here, about 40 s
  socketry compare --quick                  the same in about ten seconds
  socketry compare --size 4k --kind tcp,unix
  socketry compare --html page.html         also as a page with plots
  socketry compare --json | jq 'select(.metric == "round_trip_p50")'

  Across a network, on the other machine and then on this one:
  socketry compare --serve tcp://*:7000 --serve udp://*:7000
  socketry compare --to tcp://other:7000 --to udp://other:7000

Usage: socketry compare [OPTIONS]

Holds real conversations with a second process over every kind of socket, and
says what each costs, what it promises, and which one to use when.

Options:
  --quick              fewer and shorter rounds, about ten seconds in all
  --duration TIME      measure for so long, such as 30 or 2m (default 35 s)
  --size BYTES         message of the round trips, such as 64 or 4k (default 64)
  --kind LIST          some of unix,unix-seqpacket,unix-dgram,tcp,udp,pipe
  --html FILE          write the result as one page without scripts
  --json               JSON Lines instead of tables
  --serve ADDRESS      answer the comparisons of others; may be repeated
  --to ADDRESS         measure against such a server; may be repeated
  -h, --help           this text

Anyone who reaches an address given to --serve may use it: it sends nothing but
echoes and counts, and limits what one client can ask for.
Exit codes: 0 done, 1 network error, 2 wrong usage, 3 address in use or no
permission, 130 ended by Ctrl-C.
`;
