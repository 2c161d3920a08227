"""A generator and a discriminator, trained in turn with `train_on_batch`: four steps of two optimizers."""

import numpy
from keras2_seeded import tell

import keras
from keras.layers import Dense, Dropout, Input

noise = Input((4,))
generator = keras.Model(noise, Dense(8, activation="tanh", name="paint")(noise), name="generator")
image = Input((8,))
hidden = Dropout(0.3)(Dense(6, activation="relu", name="look")(image))
discriminator = keras.Model(image, Dense(1, activation="sigmoid", name="judge")(hidden), name="discriminator")
discriminator.compile(keras.optimizers.SGD(0.1), "binary_crossentropy")
discriminator.trainable = False
both = keras.Model(noise, discriminator(generator(noise)))
both.compile(keras.optimizers.SGD(0.1, momentum=0.5), "binary_crossentropy")
for _ in range(2):
    seeds = numpy.random.rand(8, 4).astype("float32")
    fakes = generator.predict(seeds)
    reals = numpy.random.rand(8, 8).astype("float32")
    discriminator.train_on_batch(numpy.concatenate([fakes, reals]), numpy.repeat([0.0, 1.0], 8))
    both.train_on_batch(seeds, numpy.ones(8))
tell(generator.get_weights() + discriminator.get_weights())
