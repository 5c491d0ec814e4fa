module github.com/samba-web/samba

go 1.26

require (
	github.com/cogentcore/webgpu v0.23.0 // indirect
	github.com/evanw/esbuild v0.28.2 // indirect
	github.com/gorilla/websocket v1.5.3 // indirect
)
