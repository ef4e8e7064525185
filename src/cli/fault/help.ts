/** The text of `socketry fault --help`. */
export const HELP = `Examples:
  socketry fault 8080 localhost:80 --latency 200ms --jitter 50ms
  socketry fault ./slow.sock ./app.sock --toxic bandwidth:rate=64
  socketry fault 5433 localhost:5432 --toxic reset_peer@upstream:bytes=4096
  socketry fault udp://127.0.0.1:5300 udp://9.9.9.9:53 --loss 0.2 --seed 7

Usage: socketry fault FROM TO [OPTIONS]

Listens at FROM, hands on to TO, and does on the way what networks do. Streams
of any kind (8080, HOST:80, /path, @name, tcp:// unix: vsock://), or datagrams
(udp:// unix-dgram:). Ends with Ctrl-C. The same seed gives the same faults.

Options, both ways:
  --latency TIME       everything arrives later: 200ms, 2s
  --jitter TIME        so much more or less
  --bandwidth RATE     of streams: 1000 bytes a second
  --loss SHARE         of datagrams, 0..1: is lost
  --duplicate SHARE    arrives twice
  --reorder SHARE      is overtaken by others
  --corrupt SHARE      has a bit turned

Any fault, one way; may be repeated:
  --toxic TYPE[@upstream][:NAME=VALUE,...]
                       of streams: latency bandwidth slicer slow_close timeout
                       limit_data reset_peer half_open; without @upstream it is
                       for what the server sends. docs/fault.md has the values

Others:
  --seed N             0..4294967295; what it was is told at the start
  --control ADDRESS    change it while it runs, by the HTTP interface and the
                       client libraries of Toxiproxy: 8474 is their port
  --json               tell of the start and each connection as JSON Lines

Exit codes: 0 done, 1 network error, 2 wrong usage, 3 address in use or no
permission, 128 + n ended by signal n.
`;
