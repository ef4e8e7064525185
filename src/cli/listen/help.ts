/** The text of `socketry listen --help`. */
export const HELP = `Examples:
  socketry listen 8080                        one connection, here
  socketry listen ./app.sock --mode 600 --keep
  socketry listen :7000 --echo                to everybody who connects
  socketry listen @name --exec -- ./handler   a program for each connection
  socketry listen udp://*:5140                datagrams, a line each

Usage: socketry listen ADDRESS [OPTIONS] [--exec -- PROGRAM ARGUMENTS...]

ADDRESS: 8080 (this machine only), :8080 (everywhere), HOST:80, /path, ./x.sock,
@name, tcp:// udp:// unix: unix-dgram: unix-seqpacket: vsock:// fd:N
systemd:NAME. A dead socket file is replaced, a live one never; ours is removed.

What to do with connections; without any of these they are talked to here:
  --exec               run PROGRAM with the connection as its input and output
  --echo, --discard    send everything back; take everything
  --chargen            send text without end
Options:
  --once, --keep       end after one connection, or go on; --keep is the default
                       where connections are served side by side
  --max N              serve at most N at once, 1000 by default; others wait
  --mode MODE          permissions of the socket file, such as 660
  --allow user=A,B     of Unix sockets: who may connect; also group=C
  --timeout TIME       leave with 124 after 5s, 500ms, 2m
  --crlf, --hex, --json, --message HOW, --count N, --idle TIME
                       as of connect; answers to datagrams go to who spoke last
  --quiet              do not say where it listens

Exit codes: 0 all delivered, 1 network error, 2 wrong usage, 3 address in use
or no permission, 4 data was cut, 124 time is up, 128 + n ended by signal n.
`;
