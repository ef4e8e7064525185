/** The text of `socketry ping --help`. */
export const HELP = `Examples:
  socketry ping localhost:8080             how long connecting takes, five times
  socketry ping ./app.sock --count 100 --interval 0
  socketry ping udp://localhost:7 --echo   round trips to an echo server
  socketry ping tcp://h:7 --echo --size 1k

Usage: socketry ping ADDRESS [OPTIONS]

Connects again and again, and tells the time each takes. With --echo it sends
bytes over one connection, or datagrams, to a server that sends them back, such
as socketry listen ADDRESS --echo.

Options:
  --count N            how often, 5 by default
  --interval TIME      pause between two, 1s by default
  --timeout TIME       time for each, 5s by default
  --echo               measure round trips; needed for datagrams
  --size BYTES         with --echo: bytes to send, 64 by default
  --json               a line of JSON for each on standard output

Exit codes: 0 all were answered, 1 some were not, 2 wrong usage.
`;
