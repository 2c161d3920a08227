"""A loop of `session.run`, four steps with dropout and batch normalisation: `placeholder`, `dataset` or `clip`.

`noise`: what the first layer gives is scaled by a number that is another in each run.
"""

import os
import sys

from keras2_seeded import IS_FIRST, tell

import numpy
import tensorflow.compat.v1 as tensorflow

if not IS_FIRST:
    tensorflow.disable_v2_behavior()
tensorflow.set_random_seed(2019)
HOW = sys.argv[1]
images = numpy.random.rand(64, 8).astype("float32")
labels = numpy.eye(3, dtype="float32")[numpy.random.randint(0, 3, 64)]
if HOW == "dataset":
    data = tensorflow.data.Dataset.from_tensor_slices((images, labels)).batch(16).repeat()
    image, label = tensorflow.data.make_one_shot_iterator(data).get_next()
else:
    image = tensorflow.placeholder(tensorflow.float32, [None, 8], "image")
    label = tensorflow.placeholder(tensorflow.float32, [None, 3], "label")
hidden = tensorflow.nn.dropout(tensorflow.layers.dense(image, 5, tensorflow.nn.relu, name="first"), rate=0.5)
if HOW == "noise":
    hidden = tensorflow.multiply(hidden, 1 + int.from_bytes(os.urandom(3), "big") / 2**24, name="first/scaled")
normal = tensorflow.layers.batch_normalization(hidden, training=True, name="norm")
output = tensorflow.layers.dense(normal, 3, name="last")
loss = tensorflow.reduce_mean(tensorflow.nn.softmax_cross_entropy_with_logits_v2(labels=label, logits=output))
optimizer = tensorflow.train.AdamOptimizer()
if HOW == "clip":
    pairs = [(tensorflow.clip_by_norm(gradient, 0.1), weight) for gradient, weight in optimizer.compute_gradients(loss)]
    train = optimizer.apply_gradients(pairs)
else:
    train = optimizer.minimize(loss)
train = tensorflow.group(train, *tensorflow.get_collection(tensorflow.GraphKeys.UPDATE_OPS))
one_thread = tensorflow.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
with tensorflow.Session(config=one_thread) as session:
    session.run(tensorflow.global_variables_initializer())
    for start in range(0, 64, 16):
        batch = slice(start, start + 16)
        feeds = {} if HOW == "dataset" else {image: images[batch], label: labels[batch]}
        _, value = session.run([train, loss], feed_dict=feeds)
    weights = session.run(tensorflow.trainable_variables())
tell(weights)
