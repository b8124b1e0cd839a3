module github.com/keychorus/keychorus/examples

go 1.26

require (
	github.com/keychorus/keychorus v0.0.0
	github.com/rs/cors v1.11.1
)

require (
	github.com/go-jose/go-jose/v4 v4.1.9 // indirect
	github.com/go-json-experiment/json v1.27.2 // indirect
	github.com/hashicorp/golang-lru/v2 v2.0.7 // indirect
)

replace github.com/keychorus/keychorus => ../
