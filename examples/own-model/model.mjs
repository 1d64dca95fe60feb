// A model of one's own as a module: a function that is given tfjs and returns a tfjs layers model. It is called in every
// thread that trains, and has to make the same model each time. Here a layer of its own class adds what went into two
// convolutions to what came out of them.
export default function model({ tf, tfl }) {
  const conv = (name, filters, strides) =>
    tfl.layers.conv2d({
      name,
      filters,
      strides,
      kernelSize: 3,
      padding: "same",
      kernelInitializer: "heUniform",
    });

  /** x * gain, a gain for each channel that is learned. */
  class Gain extends tfl.layers.Layer {
    static className = "Gain";

    build(shape) {
      this.gain = this.addWeight("gain", [shape.at(-1)], "float32", tfl.initializers.ones());
      super.build(shape);
    }

    call(inputs) {
      return tf.mul(Array.isArray(inputs) ? inputs[0] : inputs, this.gain.read());
    }

    computeOutputShape(shape) {
      return shape;
    }
  }

  const input = tfl.input({ shape: [28, 28, 1], name: "pixels" });
  const first = tfl.layers.reLU({ name: "relu1" }).apply(conv("conv1", 16, 2).apply(input));
  const second = tfl.layers.reLU({ name: "relu2" }).apply(conv("conv2", 16, 1).apply(first));
  const third = new Gain({ name: "gain" }).apply(conv("conv3", 16, 1).apply(second));
  const sum = tfl.layers.add({ name: "sum" }).apply([first, third]);
  const pooled = tfl.layers.maxPooling2d({ name: "pool", poolSize: 2 }).apply(sum);
  const flat = tfl.layers.flatten({ name: "flat" }).apply(pooled);
  const outputs = tfl.layers.dense({ name: "out", units: 10 }).apply(flat);
  return tfl.model({ name: "residual", inputs: input, outputs });
}
