/** The text of `socketry connect --help`. */
export const HELP = `Examples:
  echo hello | socketry connect localhost:8080      send, then read the answer
  socketry connect ./app.sock                       talk to a Unix socket
  socketry connect unix-seqpacket:/run/x.sock       one line is one message
  dig-like | socketry connect udp://9.9.9.9:53 --message whole --count 1 --hex
  socketry connect 8080 -- ./client --fast          a program in our place

Usage: socketry connect ADDRESS [OPTIONS] [-- PROGRAM ARGUMENTS...]

ADDRESS: 8080, HOST:80, /path, ./x.sock, @name, tcp:// udp:// unix: unix-dgram:
unix-seqpacket: vsock:// fd:N systemd:NAME. The end of standard input is handed
on as the end of sending, and what comes is read to its end.

Options:
  --timeout TIME       leave with 124 after 5s, 500ms, 2m
  --crlf               line feeds are sent as CRLF
  --hex                show what comes in hexadecimal
  --json               show what comes as JSON Lines
  --keep               send on after the peer has ended
  --message HOW        of message kinds: lines (the default), length (32 bits in
                       network byte order), netstring, whole (one message)
  --count N            of message kinds: leave after N messages
  --idle TIME          of datagrams: leave when standard input has ended and
                       nothing came for this long; 2s by default
  --proxy URL          through socks5://HOST:PORT or http://HOST:PORT
  --tls                with TLS; --tls-name NAME for another name than HOST,
                       --tls-ca FILE for authorities of your own
  --as-owner UID       only if this user, by number or name, owns the socket
  --send-fd N          pass descriptor N with the first byte or message
  --pass-fd            connect, pass the socket on through standard output and
                       leave: for ProxyCommand with ProxyUseFdpass of OpenSSH

Exit codes: 0 all delivered, 1 network error, 2 wrong usage, 3 no permission,
4 data was cut, 124 time is up, 126/127 PROGRAM cannot run/is not there.
`;
