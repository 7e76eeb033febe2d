// Verifies an exported log with the packages of the Go checksum database: note signatures, tiles, entries.
package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

// tiles reads C2SP tlog-tiles paths: tile/<level>/<n>[.p/<width>], without the height that tlog's own paths carry.
type tiles struct{ directory string }

func (t tiles) Height() int { return height }

func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(wanted))
	for i, tile := range wanted {
		path := strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/", height), "tile/", 1)
		read, err := os.ReadFile(filepath.Join(t.directory, path))
		if err != nil {
			return nil, err
		}
		data[i] = read
	}
	return data, nil
}

func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func verify(directory string) (int64, error) {
	vkey, err := os.ReadFile(filepath.Join(directory, "log.vkey"))
	if err != nil {
		return 0, err
	}
	verifier, err := note.NewVerifier(strings.TrimSpace(string(vkey)))
	if err != nil {
		return 0, err
	}
	text, err := os.ReadFile(filepath.Join(directory, "checkpoint"))
	if err != nil {
		return 0, err
	}
	opened, err := note.Open(text, note.VerifierList(verifier))
	if err != nil {
		return 0, err
	}
	tree, err := parse(opened.Text, verifier.Name())
	if err != nil {
		return 0, err
	}
	reader := tlog.TileHashReader(tree, tiles{directory})
	for start := int64(0); start < tree.N; start += 256 {
		if err := verifyBundle(directory, start, tree.N, reader); err != nil {
			return 0, err
		}
	}
	return tree.N, nil
}

// parse reads the three lines of a checkpoint; tlog.ParseTree knows only the checksum database's own origin.
func parse(body, origin string) (tlog.Tree, error) {
	var tree tlog.Tree
	lines := strings.Split(body, "\n")
	if len(lines) != 4 || lines[0] != origin {
		return tree, fmt.Errorf("not a checkpoint of %s", origin)
	}
	if _, err := fmt.Sscanf(lines[1], "%d", &tree.N); err != nil {
		return tree, err
	}
	hash, err := tlog.ParseHash(lines[2])
	tree.Hash = hash
	return tree, err
}

// verifyBundle hashes each entry and compares it with what the verified tiles say.
func verifyBundle(directory string, start, size int64, reader tlog.HashReader) error {
	width := 256
	if size-start < 256 {
		width = int(size - start)
	}
	path := strings.Replace(tlog.Tile{H: height, L: 0, N: start / 256, W: width}.Path(), fmt.Sprintf("tile/%d/0/", height), "tile/entries/", 1)
	data, err := os.ReadFile(filepath.Join(directory, path))
	if err != nil {
		return err
	}
	indexes := make([]int64, width)
	for i := range indexes {
		indexes[i] = tlog.StoredHashIndex(0, start+int64(i))
	}
	said, err := reader.ReadHashes(indexes)
	if err != nil {
		return err
	}
	for i, hash := range said {
		if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
			return fmt.Errorf("%s is cut short", path)
		}
		end := 2 + int(binary.BigEndian.Uint16(data))
		if tlog.RecordHash(data[2:end]) != hash {
			return fmt.Errorf("entry %d is not what the tree says", start+int64(i))
		}
		data = data[end:]
	}
	if len(data) != 0 {
		return fmt.Errorf("%s is too long", path)
	}
	return nil
}

func main() {
	size, err := verify(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("accepted %d\n", size)
}
