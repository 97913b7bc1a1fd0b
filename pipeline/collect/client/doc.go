// Package client is the one HTTP client that all sources use. Platforms are strangers: a
// server may answer slowly, for ever, with a bomb, or with the address of a machine of
// ours. What must hold against all of them is settled here, once.
//
//   - client.go  settings, and Get: a whole answer within limits, repeated where that helps
//   - dial.go    which addresses may be reached, decided on the resolved address of every hop
//   - limit.go   one pace a host, which obeys what the platform answers
//   - errors.go  what went wrong, without credentials
//   - sse.go     server-sent events with a liveness deadline
//   - lines.go   streams of lines, such as newline-delimited JSON, with a liveness deadline
//   - socket.go  WebSocket with a liveness deadline
package client
