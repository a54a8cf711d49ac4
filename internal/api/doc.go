// Package api is the HTTP edge of Heartline: the REST operations under /api
// (typed, validated, each with its permission declared), the live stream
// over WebSocket, the media of recordings and prompts, the documentation
// page, health and metrics, and the delivery of the web application.
//
// It owns the data transfer types (DTOs) that browsers and integrators see
// and the translation between them and the domain packages. It holds no
// business rule and no SQL: an operation checks who is asking, hands the
// request to one service and turns the answer, or the error, into HTTP.
package api
