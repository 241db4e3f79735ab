from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("connections", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="item",
            name="origin",
            field=models.BigIntegerField(
                blank=True, help_text="the item that it is a copy of, or a copy's copy", null=True
            ),
        ),
        migrations.AddIndex(
            model_name="item",
            index=models.Index(
                condition=models.Q(("origin__isnull", False)), fields=["origin", "folder"], name="item_copies"
            ),
        ),
    ]
