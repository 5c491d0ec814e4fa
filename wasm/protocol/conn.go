package protocol

import "context"

// Conn is one client's connection: a worker's port or a WebSocket.
type Conn interface {
	// Receive waits for the client's next message. It returns io.EOF once the
	// client has gone, and the context's error when that ends first.
	Receive(ctx context.Context) (Frame, error)
	// Send hands a message to the client and may wait until there is room for
	// it. Several goroutines may call it at once. It must not keep f.Data.
	Send(f Frame) error
}
