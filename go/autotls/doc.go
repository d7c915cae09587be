// Package autotls tests automatic certificates against a certificate authority (Pebble) and a forge (p2p-forge's own DNS server) on this
// machine. It is a module of its own so that those who build the library need neither.
package autotls
