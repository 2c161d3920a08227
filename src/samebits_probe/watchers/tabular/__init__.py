"""Watches libraries that fit tables: scikit-learn, XGBoost, LightGBM."""
