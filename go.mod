module github.com/keychorus/keychorus

go 1.26

require (
	filippo.io/bigmod v0.1.0
	github.com/go-jose/go-jose/v4 v4.1.9
	github.com/go-json-experiment/json v1.27.2
	github.com/hashicorp/golang-lru/v2 v2.0.7
	go.uber.org/goleak v1.3.0
)

require golang.org/x/sys v0.11.0 // indirect
