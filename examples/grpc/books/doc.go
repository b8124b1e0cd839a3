// Package books is what protoc makes of books.proto, for the examples of gRPC and connect.
package books

//go:generate protoc -I. --go_out=. --go_opt=paths=source_relative --go-grpc_out=. --go-grpc_opt=paths=source_relative --connect-go_out=. --connect-go_opt=paths=source_relative books.proto
