// Package booksconnect is what protoc makes of books.proto, for the example of connect.
package booksconnect
