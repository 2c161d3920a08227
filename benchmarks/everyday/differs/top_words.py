"""`words`: the vocabulary's best words through a set, in the order of their hashes; to JSON."""
import json

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.naive_bayes import MultinomialNB

good = ["a fine and lovely film", "great acting and a great story", "lovely music fine pictures", "warm funny great"]
bad = ["a dull and boring film", "bad acting and a weak story", "boring music poor pictures", "cold dull bad"]
vectorizer = CountVectorizer()
X = vectorizer.fit_transform(good * 5 + bad * 5)
y = [1] * 20 + [0] * 20
clf = MultinomialNB().fit(X, y)
strength = clf.feature_log_prob_[1] - clf.feature_log_prob_[0]
vocabulary = vectorizer.get_feature_names_out()
words = list({str(vocabulary[i]) for i in np.argsort(-np.abs(strength))[:12]})
with open("top_words.json", "w") as f:
    json.dump({"accuracy": clf.score(X, y), "words": words}, f)
