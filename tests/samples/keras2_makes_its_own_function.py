"""A loop of its own with `K.function` and `get_updates`, an embedding, and an optimizer written by the program."""

import numpy
from keras2_seeded import tell

import keras
from keras import backend
from keras.layers import Dense, Embedding, Flatten


class Plain(keras.optimizers.Optimizer):
    """Descends, and says nothing about its operations."""

    def get_gradients(self, loss, params):
        return [2.0 * gradient for gradient in backend.gradients(loss, params)]

    @backend.symbolic
    def get_updates(self, loss, params):
        pairs = zip(params, self.get_gradients(loss, params))
        return [backend.update(parameter, parameter - 0.05 * gradient) for parameter, gradient in pairs]


words = numpy.random.randint(0, 7, (24, 3))
labels = numpy.random.rand(24, 2).astype("float32")
model = keras.models.Sequential([Dense(2, input_shape=(3,), name="only")])
model.compile(Plain(), "mse")
model.fit(words.astype("float32"), labels, batch_size=8, epochs=1, verbose=0)

twin = keras.models.Sequential([Embedding(7, 4, input_length=3, name="words"), Flatten(), Dense(2, name="last")])
target = backend.placeholder((None, 2), name="target")
with backend.name_scope("own_loop"):
    loss = backend.symbolic(lambda: backend.mean(backend.square(twin.output - target)))()
optimizer = keras.optimizers.SGD(0.1, momentum=0.9)
updates = optimizer.get_updates(loss=loss, params=twin.trainable_weights)
step = backend.function([twin.input, target], [loss], updates=updates)
for start in range(0, 24, 8):
    step([words[start : start + 8], labels[start : start + 8]])
tell(model.get_weights() + twin.get_weights())
