package tfevents

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"time"
)

// Field numbers of event.proto and summary.proto.
const (
	eventWallTime    = 1 // double, seconds
	eventStep        = 2 // int64
	eventFileVersion = 3 // string
	eventSummary     = 5 // Summary
	eventSessionLog  = 7 // SessionLog
	summaryValue     = 1 // repeated Value
	valueTag         = 1 // string
	valueSimple      = 2 // float
	sessionLogStatus = 1 // enum
)

// sessionStart is SessionLog's status START. From file version 2 on, it makes
// TensorBoard forget the points it has at the event's step and later.
const sessionStart = 1

// fileVersion is the first event of every file.
const fileVersion = "brain.Event:2"

// Wire types of protocol buffers.
const (
	wireVarint  = 0
	wireFixed64 = 1
	wireBytes   = 2
	wireFixed32 = 5
)

func appendKey(b []byte, field, wire uint64) []byte {
	return binary.AppendUvarint(b, field<<3|wire)
}

func appendString(b []byte, field uint64, s string) []byte {
	b = appendKey(b, field, wireBytes)
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

func appendInt(b []byte, field uint64, v int64) []byte {
	return binary.AppendUvarint(appendKey(b, field, wireVarint), uint64(v))
}

// appendHead begins an event: its time and step.
func appendHead(b []byte, now time.Time, step int64) []byte {
	seconds := float64(now.Unix()) + float64(now.Nanosecond())/1e9
	b = appendKey(b, eventWallTime, wireFixed64)
	b = binary.LittleEndian.AppendUint64(b, math.Float64bits(seconds))
	return appendInt(b, eventStep, step)
}

func appendVersion(b []byte, now time.Time) []byte {
	return appendString(appendHead(b, now, 0), eventFileVersion, fileVersion)
}

func appendStart(b []byte, now time.Time, step int64) []byte {
	b = appendHead(b, now, step)
	b = appendKey(b, eventSessionLog, wireBytes)
	b = append(b, 2) // the message's length
	return appendInt(b, sessionLogStatus, sessionStart)
}

func appendScalars(b []byte, now time.Time, step int64, scalars []Scalar) []byte {
	b = appendHead(b, now, step)
	var size uint64
	for _, s := range scalars {
		n := valueSize(s)
		size += 1 + uvarintSize(n) + n
	}
	b = appendKey(b, eventSummary, wireBytes)
	b = binary.AppendUvarint(b, size)
	for _, s := range scalars {
		b = appendKey(b, summaryValue, wireBytes)
		b = binary.AppendUvarint(b, valueSize(s))
		b = appendString(b, valueTag, s.Tag)
		b = appendKey(b, valueSimple, wireFixed32)
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(s.Value)))
	}
	return b
}

// valueSize is the length of an encoded Value: a tag and a float, each behind a
// key of one byte.
func valueSize(s Scalar) uint64 {
	n := uint64(len(s.Tag))
	return 1 + uvarintSize(n) + n + 1 + 4
}

func uvarintSize(v uint64) uint64 {
	var scratch [binary.MaxVarintLen64]byte
	return uint64(binary.PutUvarint(scratch[:], v))
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// masked is TFRecord's checksum: CRC-32C, rotated right by 15 bits, plus a
// constant, so that a checksum of data with checksums in it stays useful.
func masked(data []byte) uint32 {
	crc := crc32.Checksum(data, castagnoli)
	return (crc>>15 | crc<<17) + 0xa282ead8
}

// appendRecordHead and appendRecordFoot add what stands before and behind the bytes of a
// TFRecord: their length (8 bytes, little-endian) and its checksum; and the
// data's checksum.
func appendRecordHead(b, data []byte) []byte {
	start := len(b)
	b = binary.LittleEndian.AppendUint64(b, uint64(len(data)))
	return binary.LittleEndian.AppendUint32(b, masked(b[start:]))
}

func appendRecordFoot(b, data []byte) []byte {
	return binary.LittleEndian.AppendUint32(b, masked(data))
}
