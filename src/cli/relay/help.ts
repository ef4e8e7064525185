/** The text of `socketry relay --help`. */
export const HELP = `Examples:
  socketry relay 8080 ./app.sock                  a port for a Unix socket
  socketry relay ./db.sock db.example:5432        a Unix socket for a server
  socketry relay :80=127.0.0.1:8080 :443=127.0.0.1:8443
  socketry relay udp://*:53 udp://9.9.9.9:53 --idle 10s
  socketry relay 8080 ./app.sock --proxy-protocol v2

Usage: socketry relay FROM TO [OPTIONS]
       socketry relay FROM=TO [FROM=TO...] [OPTIONS]

Listens on FROM and joins each connection to one of its own to TO: streams to
streams, messages to messages. The end of one direction is handed on and ends
only that direction, so that no reply is lost. Bytes stay in the kernel. Each
sender of datagrams has a session. Addresses are written as for listen.

Options:
  --max N              at most N connections or sessions of each FROM, 1000 by
                       default; further connections wait
  --idle TIME          end what has been silent for so long. Connections have no
                       such limit by default, sessions of datagrams 60s
  --drain TIME         after Ctrl-C: time for what is under way, 5s by default
  --connect-timeout T  time to reach TO, 10s by default
  --proxy-protocol V   tell TO who calls by a header: v1 or v2
  --no-descriptors     between Unix sockets: leave out descriptors that are
                       passed along, and so keep bytes in the kernel there too
  --tls-in FILE        listen with TLS: the certificate, and the key in the same
                       file or in --tls-key FILE
  --tls-out            connect with TLS; --tls-name, --tls-ca as of connect
  --mode MODE, --allow user=A,B, --allow group=C    as of listen
  --once               end after one connection
  --json               events as JSON Lines on standard output
  --quiet              do not say where it listens, nor what failed

SIGUSR1 prints figures; on a terminal they are shown all the time.
Exit codes: 0 all delivered, 1 TO not reached, 2 wrong usage, 3 address in use
or no permission, 4 data was cut, 128 + n ended by signal n with nothing cut.
`;
