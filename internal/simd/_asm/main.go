// Command _asm writes the assembly of package simd, one file per operation.
// Run it in its own folder:
//
//	go run .
//
// The result must be the files that are checked in.
package main

import (
	"bytes"
	"fmt"
	"go/format"
	"log"
	"os"
	"path/filepath"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/printer"
)

// operations maps a file name to the generator of its functions.
var operations = []struct {
	name     string
	generate func(*build.Context)
}{
	{"gemm_avx512", gemmAVX512},
	{"gemm_bf16_avx512", gemmBF16AVX512},
	{"gemmcolumns", gemmColumns},
	{"gemmcolumnpairs", gemmColumnPairs},
	{"gemm_avx2", gemmAVX2},
	{"gemm_bf16_avx2", gemmBF16AVX2},
	{"pack_avx512", packAVX512},
	{"pack_avx2", packAVX2},
	{"pack_bf16", packBF16},
	{"pack_bf16_avx2", packBF16AVX2},
	{"attentionproduct", attentionProduct},
	{"attentionsoftmax", withBF16(attentionSoftmax)},
	{"attentiongradient", withBF16(attentionGradient)},
	{"attentiondots", withBF16(attentionDots)},
	{"attentionpack", attentionPack},
	{"add", bothSets(add)},
	{"scale", bothSets(scale)},
	{"lerp", bothSets(lerp)},
	{"adamw", bothSets(adamW)},
	{"dot", bothSets(dot)},
	{"sumsquares", bothSets(sumSquares)},
	{"gelu", bothSets(gelu)},
	{"gelubackward", tiles(geluBackward, geluBackwardTile)},
	{"bf16", allSets(toBF16)},
	{"bf16from", allSets(fromBF16)},
	{"bf16rows", allSets(rowsBF16)},
	{"tilebias32", wide512(biasTile)},
	{"tilebias", tiles16(biasBF16, roundTileBF16)},
	{"tileresidual", tiles(biasResidual, biasResidualTile)},
	{"tilegelu32", tiles(biasGELU, biasGELUTile)},
	{"tilegelu", tiles16(biasGELUBF16, biasGELUTileBF16)},
	{"tilegelubackward", tiles16(geluBackwardBF16, geluBackwardTileBF16)},
	{"softmax", bothSets(softmaxRow)},
	{"layernorm", bothSets(layerNormRow)},
	{"layernormbf16", wideSets(layerNormRowBF16)},
	{"layernormbackward", bothSets(layerNormBackwardRow)},
	{"columnsums", bothSets(columnSums)},
	{"columnsumsbf16", allSets(columnSumsBF16)},
	{"columnsquares", bothSets(columnSquares)},
	{"columndots", bothSets(columnDots)},
	{"rowdots", bothSets(rowDots)},
	{"normcolumns", bothSets(normColumns)},
	{"normcolumnsbf16", wideSets(normColumnsBF16)},
	{"normcolumnsbackward", bothSets(normColumnsBackward)},
	{"fmaloop", bothSets(fmaLoop)},
	{"bf16loop", bf16Loop},
	{"resample", bothSets(resample)},
	{"resample16", resample16},
	{"transpose", transpose},
	{"box3", bothSets(box3)},
	{"box5", bothSets(box5)},
	{"boxslide", bothSets(boxSlide)},
	{"lumasum", bothSets(lumaSum)},
	{"grey", bothSets(grey)},
	{"saturate", bothSets(saturate)},
	{"blendlevel", bothSets(blendLevel)},
	{"mapbytes", mapBytes},
	{"solarize", bothSets(solarize)},
	{"shifthue", bothSets(shiftHue)},
	{"normalise", bothSets(normalise)},
	{"normalisebf16", bothSets(normaliseBF16)},
	{"idct", bothSets(idct)},
	{"coefficients", coefficients},
	{"ycctorgb", yccToRGB},
	{"interleave", interleave},
	{"upsampleh2v1", upsampleH2V1},
	{"upsampleh2v2", upsampleH2V2},
	{"upsampleh1v2", upsampleH1V2},
	{"idct4", bothSets(idct4)},
	{"ycctoplanes", bothSets(yccToPlanes)},
	{"planarlumasum", bothSets(planarLumaSum)},
	{"planargrey", bothSets(planarGrey)},
	{"planarsaturate", bothSets(planarSaturate)},
	{"planarhue", bothSets(planarHue)},
	{"smooth", bothSets(smooth)},
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("_asm: ")
	for _, op := range operations {
		c := build.NewContext()
		clear(globals)
		c.ConstraintExpr("amd64,!purego")
		op.generate(c)
		file, err := c.Result()
		if err != nil {
			log.Fatalf("%s: %v", op.name, err)
		}
		if err := pass.Compile.Execute(file); err != nil {
			log.Fatalf("%s: %v", op.name, err)
		}
		if err := encodeAll(file); err != nil {
			log.Fatalf("%s: %v", op.name, err)
		}
		cfg := printer.Config{Name: "internal/simd/_asm", Pkg: "simd"}
		text, err := printer.NewGoAsm(cfg).Print(file)
		if err != nil {
			log.Fatalf("%s: %v", op.name, err)
		}
		stubs, err := printer.NewStubs(cfg).Print(file)
		if err != nil {
			log.Fatalf("%s: %v", op.name, err)
		}
		stubs, err = format.Source(bytes.TrimSpace(stubs))
		if err != nil {
			log.Fatalf("%s: %v", op.name, err)
		}
		write(op.name+"_amd64.s", text)
		write(op.name+"_amd64.go", stubs)
	}
}

func write(name string, data []byte) {
	if err := os.WriteFile(filepath.Join("..", name), data, 0o644); err != nil {
		log.Fatal(fmt.Errorf("write: %w", err))
	}
}
