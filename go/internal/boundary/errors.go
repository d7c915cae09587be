package boundary

import (
	"context"
	"errors"
	"fmt"
)

// Code is one of the closed set of error codes that src/errors.ts declares as P2PErrorCode.
type Code string

// The codes that the Go side uses.
const (
	Aborted             Code = "ABORTED"
	AddressInUse        Code = "ADDRESS_IN_USE"
	AddressInvalid      Code = "ADDRESS_INVALID"
	CertificateInvalid  Code = "CERTIFICATE_INVALID"
	Closed              Code = "CLOSED"
	DialFailed          Code = "DIAL_FAILED"
	IdentityCorrupt     Code = "IDENTITY_CORRUPT"
	IdentityExposed     Code = "IDENTITY_EXPOSED"
	IdentityInUse       Code = "IDENTITY_IN_USE"
	IdentityUnreadable  Code = "IDENTITY_UNREADABLE"
	Internal            Code = "INTERNAL"
	Limit               Code = "LIMIT"
	ListenFailed        Code = "LISTEN_FAILED"
	PeerInvalid         Code = "PEER_INVALID"
	PeerSelf            Code = "PEER_SELF"
	PeerUnknown         Code = "PEER_UNKNOWN"
	ProtocolUnsupported Code = "PROTOCOL_UNSUPPORTED"
	RelayLimit          Code = "RELAY_LIMIT"
	ReservationFailed   Code = "RESERVATION_FAILED"
	StreamFailed        Code = "STREAM_FAILED"
	TopicFailed         Code = "TOPIC_FAILED"
)

// Error is a failure as JavaScript will see it: a code, a sentence with the remedy where there is one, and the peer it is about.
type Error struct {
	Code    Code   `json:"code"`
	Message string `json:"message"`
	Peer    string `json:"peer,omitempty"`
	Err     error  `json:"-"`
}

func (e *Error) Error() string { return string(e.Code) + ": " + e.Message }

func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an Error; an error among the arguments (by %w) stays attached as its cause.
func Errorf(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: err.Error(), Err: errors.Unwrap(err)}
}

// NodeClosed is what is asked of a node that has ended, or is about to.
func NodeClosed() *Error { return Errorf(Closed, "the node is closed") }

// About sets the peer that the failure is about.
func (e *Error) About(peer string) *Error {
	e.Peer = peer
	return e
}

// AsError gives every error a code: its own, ABORTED for a cancelled context, else INTERNAL.
func AsError(err error) *Error {
	var coded *Error
	switch {
	case errors.As(err, &coded):
		return coded
	case errors.Is(err, context.Canceled):
		return &Error{Code: Aborted, Message: err.Error(), Err: err}
	default:
		return &Error{Code: Internal, Message: err.Error(), Err: err}
	}
}
