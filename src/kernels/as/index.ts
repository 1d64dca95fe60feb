export { biasActivation, reluGradient } from "./activation";
export { convFilterGradient, convForward, convInputGradient, convWindowBytes } from "./conv";
export { gemm, gemmScratchBytes } from "./gemm";
export { adamStep, momentumStep } from "./optimizer";
export { avgPoolGradient, maxPoolGradient } from "./pool";
export { blockSum } from "./reduce";
export { crossEntropy, softCrossEntropy, softmaxGradientRows, softmaxRows } from "./softmax";
