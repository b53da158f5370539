// A gopcua client against an emulated PLC. Prints one JSON object with what it saw.
//
//	interop plc URL PKI LINE STATION MACHINE    does what a client does
//	interop rates URL PKI TAGS SECONDS          follows every tag of a bulk server and counts
package main

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gopcua/opcua"
	"github.com/gopcua/opcua/ua"
)

func main() {
	log.SetFlags(0)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	if len(os.Args) < 4 {
		log.Fatal("usage: interop plc URL PKI LINE STATION MACHINE | rates URL PKI TAGS SECONDS")
	}
	url, pki, rest := os.Args[2], os.Args[3], os.Args[4:]
	var seen any
	var err error
	switch os.Args[1] {
	case "plc":
		seen, err = plc(ctx, url, pki, rest[0], rest[1], rest[2])
	case "rates":
		seen, err = rates(ctx, url, pki, rest[0], rest[1])
	default:
		err = fmt.Errorf("no such command: %s", os.Args[1])
	}
	if err != nil {
		log.Fatal(err)
	}
	out, _ := json.Marshal(seen)
	fmt.Println(string(out))
}

// connect makes an encrypted session with user and password; an empty password is the right one.
func connect(ctx context.Context, url, pki, password string) (*opcua.Client, error) {
	if password == "" {
		word, err := os.ReadFile(filepath.Join(pki, "password"))
		if err != nil {
			return nil, err
		}
		password = strings.TrimSpace(string(word))
	}
	text, err := os.ReadFile(filepath.Join(pki, "client.key.pem"))
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	key := parsed.(*rsa.PrivateKey)
	endpoints, err := opcua.GetEndpoints(ctx, url)
	if err != nil {
		return nil, err
	}
	endpoint, err := opcua.SelectEndpoint(
		endpoints, "Basic256Sha256", ua.MessageSecurityModeSignAndEncrypt)
	if err != nil {
		return nil, err
	}
	client, err := opcua.NewClient(url,
		opcua.PrivateKey(key),
		opcua.CertificateFile(filepath.Join(pki, "client.cert.der")),
		opcua.AuthUsername("twin", password),
		opcua.SecurityFromEndpoint(endpoint, ua.UserTokenTypeUserName),
		opcua.AutoReconnect(false),
		opcua.SessionTimeout(time.Minute),
	)
	if err != nil {
		return nil, err
	}
	return client, client.Connect(ctx)
}
