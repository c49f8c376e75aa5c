// Command evaluate measures what an encoder has learned (kNN, linear probe, few
// labels, fine-tuning, patches found again, segmentation), and hands its features
// and weights on.
package main

import (
	"os"

	"siameseim/cmd/internal/cli"
)

const description = `What an encoder has learned. --checkpoint takes a run directory of pretrain, one of its checkpoints, a
safetensors file with our or timm's ViT names, a PyTorch .pth or .pt file (read without executing it),
or "pixels" for the raw pixels that every figure has to beat.

  evaluate knn     --checkpoint runs/cifar --train 'train-{0000..0009}.tar.gz' --test 'test-{0000..0001}.tar.gz'
  evaluate linear  --checkpoint runs/cifar --train ... --test ...
  evaluate fewshot --checkpoint runs/cifar --train ... --test ... --share 0.01`

// grammar has one line for each command; each command is a file.
type grammar struct {
	cli.Program
	KNN      knnCommand      `cmd:"" name:"knn" help:"k nearest neighbours vote, by the cosine of frozen features."`
	Linear   linearCommand   `cmd:"" help:"A linear probe on frozen features."`
	FewShot  fewshotCommand  `cmd:"" name:"fewshot" help:"Logistic regression on a few labels."`
	Finetune finetuneCommand `cmd:"" help:"Train the whole encoder further on labels."`
	Dense    denseCommand    `cmd:"" help:"Match the patches of two crops; segment by the nearest patches."`
	Embed    embedCommand    `cmd:"" help:"Write features, with keys and labels, to a NumPy or safetensors file."`
	Export   exportCommand   `cmd:"" help:"Write the weights with timm's names, and print the call that loads them."`
	Gallery  galleryCommand  `cmd:"" help:"A page of pictures: components of patch tokens, attention, nearest neighbours."`
}

func main() {
	env, release := cli.Process("evaluate")
	code := cli.Main(env, description, &grammar{})
	release()
	os.Exit(code)
}
